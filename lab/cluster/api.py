"""The Kubernetes API without HTTP: every write goes the same way, whoever asks.

decode → defaults → admission → webhooks → validation → field ownership → store
"""

from __future__ import annotations

from collections.abc import Callable

from lab.cluster import errors
from lab.cluster.admission import Admission
from lab.cluster.apply import apply
from lab.cluster.collector import require_live_namespace
from lab.cluster.decode import decode, refuse_unknown
from lab.cluster.definitions import Definitions
from lab.cluster.kinds import Kind, Kinds
from lab.cluster.managers import Manager, track_update
from lab.cluster.objects import Obj, copy, meta, name_of, namespace_of, timestamp, without
from lab.cluster.options import Options
from lab.cluster.resources import Resource
from lab.cluster.store import Deletion, Store, generate_name
from lab.cluster.webhooks import NoWebhooks, Webhooks
from lab.net import Block

Change = Callable[[Obj], Obj]


class Api:
    """Reads and writes of one cluster. What comes out belongs to the store: copy before changing it."""

    def __init__(self, store: Store, *, block: Block | None = None, webhooks: Webhooks | None = None) -> None:
        self.store = store
        self.kinds = Kinds()
        self._admission = Admission(store, block or Block(1))
        self._webhooks = webhooks or NoWebhooks()
        Definitions(store, self.kinds)

    def get(self, resource: str, namespace: str | None, name: str, version: str = "") -> Obj:
        kind = self.store.resources.get(resource)
        return self.in_version(self.store.get(resource, name, namespace), kind, version)

    def in_version(self, obj: Obj, resource: Resource, version: str) -> Obj:
        """`obj` as this version calls it: versions of one kind differ in nothing else here."""
        wanted = resource.api_version(version)
        return obj if obj["apiVersion"] == wanted else obj | {"apiVersion": wanted}

    async def create(self, resource: str, obj: Obj, options: Options) -> Obj:
        kind = self.store.resources.get(resource)
        obj = self._addressed(kind, copy(obj), options)
        if meta(obj).get("resourceVersion"):
            raise errors.bad_request("resourceVersion should not be set on objects to be created")
        if kind.has_status:
            obj.pop("status", None)
        obj["metadata"].pop("managedFields", None)
        generate_name(obj)
        obj = self._prepared(kind, obj, None, options)
        return await self._insert(kind, obj, options, track=True)

    async def replace(self, resource: str, obj: Obj, options: Options) -> Obj:
        """Write a whole object, or its status; compare-and-set when resourceVersion is set."""
        kind = self.store.resources.get(resource)
        obj = self._addressed(kind, copy(obj), options)
        old = self.store.get(resource, name_of(obj), namespace_of(obj))
        if kind.custom and not obj["metadata"].get("resourceVersion"):
            what = "Invalid value: 0: must be specified for an update"
            causes = [errors.Cause("FieldValueInvalid", what, "metadata.resourceVersion")]
            raise errors.invalid(kind.kind, kind.group, name_of(obj), causes)
        return self._update(kind, old, obj, options, track=True)

    async def patch(self, resource: str, namespace: str | None, name: str, change: Change, options: Options) -> Obj:
        """Change an object by a function of what it is now."""
        kind = self.store.resources.get(resource)
        old = self.store.get(resource, name, namespace)
        obj = change(copy(self.in_version(old, kind, options.version)))
        obj = self._addressed(kind, obj, options, name=name, namespace=namespace or "")
        return self._update(kind, old, obj, options, track=True)

    async def apply(
        self, resource: str, namespace: str | None, config: Obj, options: Options, *, force: bool
    ) -> tuple[Obj, bool]:
        """Server-side apply; the object, and whether it is new."""
        kind = self.store.resources.get(resource)
        config = self._applicable(kind, config, options)
        live = self.store.peek(resource, name_of(config), namespace)
        if live is None and options.subresource:
            raise errors.not_found(resource, name_of(config))
        base = live or {key: config[key] for key in ("apiVersion", "kind")} | {"metadata": {}}
        manager = self._manager(kind, options, "Apply")
        now = timestamp(self.store.now())
        merged = apply(base, config, self._kind(kind, options).schema, manager, time=now, force=force)
        merged["apiVersion"] = kind.api_version(options.version)
        if live is not None:
            return self._update(kind, live, merged, options, track=False), False
        prepared = self._prepared(kind, merged, None, options)
        return await self._insert(kind, prepared, options, track=False), True

    def delete(self, resource: str, namespace: str | None, name: str, how: Deletion, options: Options) -> Obj:
        if options.dry_run:
            return self.store.get(resource, name, namespace)
        return self.store.delete(resource, name, namespace, how)

    def _applicable(self, kind: Resource, config: Obj, options: Options) -> Obj:
        """What an applier may say about this resource through this endpoint."""
        config = self._addressed(kind, copy(config), options)
        if config["metadata"].get("managedFields"):
            raise errors.bad_request("metadata.managedFields must be nil")
        if kind.has_status and not options.subresource:
            config.pop("status", None)
        if options.subresource == "status":
            config = {k: v for k, v in config.items() if k in ("apiVersion", "kind", "metadata", "status")}
            config["metadata"] = {k: v for k, v in config["metadata"].items() if k in ("name", "namespace")}
        return self._decoded(kind, config, options)

    async def _insert(self, kind: Resource, obj: Obj, options: Options, *, track: bool) -> Obj:
        admitted = await self._webhooks.admit(kind, obj, options)
        if admitted is not obj:
            obj = self._decoded(kind, admitted, options)
            self._kind(kind, options).fill(obj)
        self._require_namespace(kind, obj)
        self._refuse_invalid(kind, obj, None, options)
        if track:
            self._track(kind, None, obj, options)
        created = self.store.dry_run(kind.key, obj) if options.dry_run else self.store.create(kind.key, obj)
        return self.in_version(created, kind, options.version)

    def _update(self, kind: Resource, old: Obj, obj: Obj, options: Options, *, track: bool) -> Obj:
        if options.subresource == "status":
            obj = self._with_status(old, obj)
        elif kind.has_status:
            obj = without(obj, ["status"]) | ({"status": copy(old["status"])} if "status" in old else {})
        obj = self._prepared(kind, obj, old, options)
        self._refuse_invalid(kind, obj, old, options)
        if track:
            self._track(kind, old, obj, options)
        write = self.store.dry_run_replace if options.dry_run else self.store.replace
        return self.in_version(write(kind.key, obj, subresource=options.subresource), kind, options.version)

    @staticmethod
    def _with_status(old: Obj, obj: Obj) -> Obj:
        """The old object with the new status; ownership and preconditions come with the request."""
        new = copy(without(old, ["status"]))
        for field in ("managedFields", "resourceVersion", "uid"):
            new["metadata"].pop(field, None)
            if field in obj["metadata"]:
                new["metadata"][field] = obj["metadata"][field]
        if "status" in obj:
            new["status"] = copy(obj["status"])
        return new | {"apiVersion": obj["apiVersion"]}

    def _prepared(self, kind: Resource, obj: Obj, old: Obj | None, options: Options) -> Obj:
        obj = self._decoded(kind, obj, options)
        self._kind(kind, options).fill(obj)
        if options.subresource != "status":
            self._admission.admit(kind.key, obj, old)
        return obj

    def _decoded(self, kind: Resource, obj: Obj, options: Options) -> Obj:
        if not kind.enforced:
            options.warnings.append(f"the lab stores {kind.key} and does not enforce them")
        decoded = decode(obj, self._kind(kind, options).schema, custom=kind.custom)
        if options.strictness == "Strict":
            refuse_unknown(decoded.unknown)
        elif options.strictness == "Warn":
            options.warnings.extend(f'unknown field "{path}"' for path in decoded.unknown)
        return decoded.obj

    def _refuse_invalid(self, kind: Resource, obj: Obj, old: Obj | None, options: Options) -> None:
        if options.subresource == "status" and not kind.custom:
            return
        causes = self._kind(kind, options).violations(obj, old)
        if causes:
            raise errors.invalid(kind.kind, kind.group, name_of(obj), causes)

    def _require_namespace(self, kind: Resource, obj: Obj) -> None:
        if kind.namespaced:
            require_live_namespace(self.store, kind.key, name_of(obj), namespace_of(obj) or "default")

    def _addressed(self, kind: Resource, obj: Obj, options: Options, *, name: str = "", namespace: str = "") -> Obj:
        """`obj` with the kind and namespace of the request; 400 where it says it is something else."""
        wanted = kind.api_version(options.version)
        given = (obj.setdefault("apiVersion", wanted), obj.setdefault("kind", kind.kind))
        if given != (wanted, kind.kind):
            what = f'the object provided is {given[1]} in version "{given[0]}"'
            raise errors.bad_request(f'{what}, this is the endpoint of {kind.kind} in version "{wanted}"')
        data = meta(obj)
        if name and data.get("name") != name:
            raise errors.bad_request(f"metadata.name: {data.get('name')!r} cannot be changed, it is {name!r}")
        if kind.namespaced:
            data["namespace"] = namespace or data.get("namespace") or "default"
        else:
            data.pop("namespace", None)
        return obj

    def _kind(self, resource: Resource, options: Options) -> Kind:
        return self.kinds.get(resource, options.version or resource.versions[0])

    def _track(self, kind: Resource, old: Obj | None, new: Obj, options: Options) -> None:
        manager = self._manager(kind, options, "Update")
        track_update(old, new, self._kind(kind, options).schema, manager, timestamp(self.store.now()))

    @staticmethod
    def _manager(kind: Resource, options: Options, operation: str) -> Manager:
        return Manager(options.manager, operation, kind.api_version(options.version), options.subresource)
