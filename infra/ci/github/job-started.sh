#!/bin/sh
# GitHub Actions, self-hosted runners: ACTIONS_RUNNER_HOOK_JOB_STARTED=/opt/moorage/job-started.sh gives every job a namespace without a step in
# its workflow. MOORAGE_GATEWAY, MOORAGE_TOKEN (a token of the operator's) and MOORAGE_CA are in the runner's environment.
set -eu
moorage_env=$(sh "$(dirname "$0")/../moorage.sh" open)
eval "$moorage_env"
for name in DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH MOORAGE_NAMESPACE; do eval "echo $name=\$$name"; done >> "$GITHUB_ENV"
