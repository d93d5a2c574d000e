kubectl -n {{namespace}} delete httproutes,gateways --all
{{part clean.names}}
