import { attachEngine, startEngine, type Engine, type OwnEngine } from './engine.ts'
import { importBusybox } from './images.ts'
import { versions, type Version } from './paths.ts'

/** Environment variable in which the test command tells test files where its engine of that version is. */
function variable(version: Version): string {
  return `MOORAGE_TEST_ENGINE_${version.replace('.', '_')}`
}

/** Starts one engine per version for all test files, and answers the environment that tells them. */
export async function startSharedEngines(): Promise<{ env: Record<string, string>, stop(): void }> {
  const engines = await Promise.all(versions.map(startWithBusybox))
  return {
    env: Object.fromEntries(engines.map(({ version, directory }) => [variable(version), directory])),
    stop: () => engines.forEach((engine) => engine.stop()),
  }
}

/**
 * The engine of that version which all test files share, with busybox:latest: leave behind on it what others can live with, and expect others'
 * objects. A test file that is run by itself gets one of its own, which ends with it.
 */
export async function sharedEngine(version: Version): Promise<Engine> {
  const directory = process.env[variable(version)]
  return directory ? attachEngine(directory) : startWithBusybox(version)
}

async function startWithBusybox(version: Version): Promise<OwnEngine> {
  const engine = await startEngine({ version })
  await importBusybox(engine)
  return engine
}
