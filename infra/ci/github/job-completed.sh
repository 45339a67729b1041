#!/bin/sh
# ACTIONS_RUNNER_HOOK_JOB_COMPLETED=/opt/moorage/job-completed.sh
set -eu
exec sh "$(dirname "$0")/../moorage.sh" close
