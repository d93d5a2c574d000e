"""The `canario` command: start a workshop, follow it, and read what is recorded of it.

AWS is found as boto3 finds it (region, credentials, AWS_ENDPOINT_URL); the stacks by their outputs. One file a
command: `add(commands)` declares its arguments, and what it declares is called with them and a session.
"""
