import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Failure } from './failure.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A CI system, as far as a job's environment tells it. */
interface System {
  name: string
  detect: (env: Environment) => boolean
  /** What people call this job. */
  label: (env: Environment) => (string | undefined)[]
  /** The job's OIDC token, when the system gives one to it. */
  token?: (env: Environment, audience: string) => Promise<string | undefined>
}

/** Variables and token endpoints are those of each system's own reference of predefined variables and of its OIDC documentation. */
const systems: readonly System[] = [
  {
    name: 'GitLab CI', detect: (env) => env['GITLAB_CI'] === 'true',
    label: (env) => [env['CI_PROJECT_PATH'], env['CI_JOB_NAME'], number(env['CI_JOB_ID'])],
    token: async (env) => env['MOORAGE_ID_TOKEN'],
  },
  {
    name: 'GitHub Actions', detect: (env) => env['GITHUB_ACTIONS'] === 'true',
    label: (env) => [env['GITHUB_REPOSITORY'], env['GITHUB_JOB'], number(env['GITHUB_RUN_ID'])],
    token: githubToken,
  },
  {
    name: 'Buildkite', detect: (env) => env['BUILDKITE'] === 'true',
    label: (env) => [env['BUILDKITE_PIPELINE_SLUG'], env['BUILDKITE_LABEL'], number(env['BUILDKITE_BUILD_NUMBER'])],
    token: buildkiteToken,
  },
  {
    name: 'CircleCI', detect: (env) => env['CIRCLECI'] === 'true',
    label: (env) => [env['CIRCLE_PROJECT_REPONAME'], env['CIRCLE_JOB'], number(env['CIRCLE_BUILD_NUM'])],
    token: async (env) => env['CIRCLE_OIDC_TOKEN_V2'],
  },
  {
    name: 'Jenkins', detect: (env) => env['JENKINS_URL'] !== undefined,
    label: (env) => [env['JOB_NAME'], number(env['BUILD_NUMBER'])],
  },
]

/** The CI system this process is a job of, or undefined. */
export interface Job {
  system: string
  label: string
  token(audience: string): Promise<string | undefined>
}

/** Reads a job's environment; nothing is asked of anybody before `token` is called. */
export function ciJob(env: Environment): Job | undefined {
  const system = systems.find(({ detect }) => detect(env))
  return system && {
    system: system.name,
    label: system.label(env).filter(Boolean).join(' ').slice(0, 256),
    token: async (audience) => env['MOORAGE_ID_TOKEN'] ?? await system.token?.(env, audience),
  }
}

function number(text: string | undefined): string | undefined {
  return text && `#${text}`
}

async function githubToken(env: Environment, audience: string): Promise<string | undefined> {
  const [url, bearer] = [env['ACTIONS_ID_TOKEN_REQUEST_URL'], env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']]
  if (!url || !bearer) return undefined
  const asked = new URL(url)
  asked.searchParams.set('audience', audience)
  const response = await fetch(asked, { headers: { Authorization: `bearer ${bearer}` }, signal: AbortSignal.timeout(30_000) }).catch((error: Error) => {
    throw new Failure(`GitHub Actions gives no OIDC token (${error.message})`, undefined, { cause: error })
  })
  if (!response.ok) throw new Failure(`GitHub Actions gives no OIDC token (status ${response.status}); the job needs permissions: { id-token: write }`)
  return (await response.json() as { value?: string }).value
}

async function buildkiteToken(_env: Environment, audience: string): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)('buildkite-agent', ['oidc', 'request-token', '--audience', audience]).catch((error: Error) => {
    throw new Failure(`buildkite-agent gives no OIDC token (${error.message})`, undefined, { cause: error })
  })
  return stdout.trim()
}
