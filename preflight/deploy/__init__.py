"""From a layout and hosts to servers: the playbooks of this project, run by ansible-runner."""
