"""What attendees read, in their language. Checks and errors speak English everywhere."""

from collections.abc import Mapping

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "stage": "stage {stage} ({section})",
        "holds": "Every condition holds. The machine checks once more, records it and goes on.",
        "holds_not_waiting": "Every condition holds. The machine does not wait for this stage.",
        "unmet_not_waiting": "Not every condition holds. The machine does not wait for this stage: no hint is given.",
        "unmet": "Not yet: {unmet} of {all} conditions do not hold. Mend them, then again: canario check {workshop}",
        "hint": "Hint {number} of {all}:",
        "solution": "Hint {number} of {all}, the solution:",
        "no_hints": "There are no hints for this stage.",
        "solving": "The machine does the stage {stage} for you.",
        "skipping": "The stage {stage} is skipped.",
        "passed": "Stage {stage} passed ({by}).",
        "by_attendee": "your own work",
        "by_machine": "solved by the machine",
        "skipped": "Stage {stage} skipped.",
        "failed": "Stage {stage} failed: {cause}",
        "next": "The next stage is {stage} ({section}). When you have done it: canario check {workshop}",
        "over": "That was the last one. See it all: canario show {workshop}",
        "working": "The machine is still at work. See where it is: canario show {workshop}",
        "ending": "The execution {run} waits at {stage}; it is ended first.",
        "undone": "Stage {stage} is undone.",
        "started": "Started {run}: the machine resumes at the stage {stage}.",
        "start_again": "Start it again when you like: canario start {workshop} --mode guided",
    },
    "pt-BR": {
        "stage": "etapa {stage} ({section})",
        "holds": "Todas as condições valem. A máquina confere mais uma vez, registra e segue.",
        "holds_not_waiting": "Todas as condições valem. A máquina não está esperando por esta etapa.",
        "unmet_not_waiting": "Nem todas as condições valem. A máquina não espera por esta etapa: não há dica.",
        "unmet": "Ainda não: {unmet} de {all} condições não valem. Corrija e, de novo: canario check {workshop}",
        "hint": "Dica {number} de {all}:",
        "solution": "Dica {number} de {all}, a solução:",
        "no_hints": "Não há dicas para esta etapa.",
        "solving": "A máquina faz a etapa {stage} por você.",
        "skipping": "A etapa {stage} será pulada.",
        "passed": "Etapa {stage} concluída ({by}).",
        "by_attendee": "trabalho seu",
        "by_machine": "resolvida pela máquina",
        "skipped": "Etapa {stage} pulada.",
        "failed": "A etapa {stage} falhou: {cause}",
        "next": "A próxima etapa é {stage} ({section}). Quando terminar: canario check {workshop}",
        "over": "Essa era a última. Veja tudo: canario show {workshop}",
        "working": "A máquina ainda está trabalhando. Veja onde ela está: canario show {workshop}",
        "ending": "A execução {run} espera na etapa {stage}; ela é encerrada antes.",
        "undone": "A etapa {stage} foi desfeita.",
        "started": "Iniciada {run}: a máquina retoma na etapa {stage}.",
        "start_again": "Comece de novo quando quiser: canario start {workshop} --mode guided",
    },
}


def text(language: str, name: str, **values: object) -> str:
    """The text of that name in the language, with its values filled in."""
    return _TEXTS[language][name].format(**values)
