import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { wholeProgram } from '../infra/cli/run.ts'
import { root } from './setup/paths.ts'

const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).toSorted()
const text = (page: string) => readFileSync(join(root, page), 'utf8')
/** Without what is code. */
const prose = (page: string) => text(page).replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '')

/** Relative links of a page: the file, as the checkout names it, and the heading. */
function linksOf(page: string): { file: string, heading: string | undefined, link: string }[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!).filter((link) => !/^[a-z]+:/.test(link)).map((link) => {
    const [path = '', heading] = link.split('#')
    return { link, heading, file: path === '' ? page : relative(root, join(root, dirname(page), path)) }
  })
}

/** Headings as GitHub and most site makers name their anchors. */
function anchorsOf(page: string): string[] {
  return [...text(page).replaceAll(/^```[^]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-'))
}

test('every relative link of a page leads to a file that is there, and to a heading of it', () => {
  const links = pages.flatMap((page) => linksOf(page).map((link) => ({ page, ...link })))
  assert.ok(links.length > 60)
  const broken = links.filter(({ file, heading }) => !existsSync(join(root, file)) || (heading !== undefined && !anchorsOf(file).includes(heading)))
  assert.deepEqual(broken.map(({ page, link }) => `${page}: ${link}`), [])
})

test('every page of docs/ is reached from docs/README.md', () => {
  const reached = new Set<string>()
  const visit = (page: string) => {
    if (reached.has(page) || !pages.includes(page)) return
    reached.add(page)
    for (const { file } of linksOf(page)) visit(file)
  }
  visit('docs/README.md')
  assert.deepEqual(pages.filter((page) => page.startsWith('docs/') && !reached.has(page)), [])
})

test('what operators are told to look for is said by the code', () => {
  const rows = text('docs/operate.md').split('## When things go wrong')[1]!.split('\n').filter((line) => line.startsWith('| `'))
  const sayings = rows.map((row) => /^\| `([^`]+)`/.exec(row)![1]!)
  assert.ok(sayings.length > 12)
  const code = globSync('{lib,functions,infra}/**/*.ts', { cwd: root }).map((file) => text(file)).join('\n')
  assert.deepEqual(sayings.filter((saying) => !code.includes(saying)), [])
})

test('commands of moorage that pages show are there, with the options that are shown', async () => {
  const { commands } = await wholeProgram()
  const wrong = pages.filter((page) => !page.startsWith('docs/reference/')).flatMap((page) => {
    const lines = [...text(page).matchAll(/(?:^|[`$( ])moorage ([a-z]+)((?: [^`\n|)#]*)?)/gm)]
    return lines.flatMap(([, name, rest = '']) => {
      const command = commands.find((one) => one.name() === name)
      if (command === undefined) return /^ -|^ ?$/.test(rest) ? [`${page}: moorage ${name}`] : []
      const known = [command, ...command.commands].flatMap((one) => one.options.map(({ long }) => long))
      const given = rest.split(' -- ')[0]!.match(/(?<= )--[a-z-]+/g) ?? []
      return given.filter((flag) => !known.includes(flag)).map((flag) => `${page}: moorage ${name} ${flag}`)
    })
  })
  assert.deepEqual(wrong, [])
})
