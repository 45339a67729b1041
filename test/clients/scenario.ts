import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Outcome } from '../setup/command.ts'
import { versions, type Version } from '../setup/paths.ts'
import { normaliser } from './normalise.ts'
import { importBusybox, startWorlds, type Worlds } from './worlds.ts'

/** Leaves a world as it was found, but for its image. */
const tidy = `docker rm -fv $(docker ps -aq); docker network prune -f; docker volume rm -f $(docker volume ls -q); rm -rf *
  docker image inspect busybox || ${importBusybox}`

/** Command lines of a text: one a line, going on after a backslash; comments and empty lines left out. */
export function linesOf(text: string): string[] {
  return text.replaceAll(/\\\n\s*/g, '').split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
}

/** Runs the lines in both worlds, each at its own pace, and tells of all of those whose exit code or output differs. */
export async function differences(worlds: Worlds, lines: readonly string[], docker: Version): Promise<string[]> {
  const [bare, namespace] = await Promise.all([worlds.bare, worlds.namespace].map(async (world) => {
    const normal = normaliser(world.places)
    const said: string[] = []
    for (const line of lines) said.push(report(await world.sh(line, docker), normal))
    await world.sh(tidy, docker)
    return said
  }))
  return lines.flatMap((line, index) => bare![index] === namespace![index] ? []
    : [`$ ${line}\n--- on an engine of its own\n${bare![index]}\n--- in a namespace\n${namespace![index]}`])
}

function report({ status, signal, stdout, stderr }: Outcome, normal: (text: string) => string): string {
  return normal(`${stdout}${stderr === '' ? '' : `[stderr] ${stderr}`}[${signal ?? status}]`)
}

/** Tests of all scenarios on an engine of each version, by the CLI of that version, or by the other when `crossed`. */
export function describeScenarios(subject: string, scenarios: Readonly<Record<string, string>>, { crossed = false } = {}): void {
  for (const version of versions) {
    describe(`${subject}, in a namespace and on an engine of its own, Engine ${version}`, () => {
      let worlds: Worlds
      before(async () => { worlds = await startWorlds(version) })
      after(() => worlds.stop())
      for (const docker of versions.filter((one) => (one === version) !== crossed)) {
        for (const [name, text] of Object.entries(scenarios)) {
          test(`${name}, CLI ${docker}`, async () => {
            const lines = linesOf(text)
            const found = await differences(worlds, lines, docker)
            assert.ok(found.length === 0, `${found.length} of ${lines.length} lines differ:\n\n${found.join('\n\n')}\n`)
          })
        }
      }
    })
  }
}
