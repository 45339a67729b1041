/**
 * What two engines that did the same say, made equal: ids become numbers in order of appearance, times, addresses and widths of columns go.
 * One `normaliser` serves a whole scenario, so that an id has the same number wherever it appears. `places` are folders with their usual names.
 */
export function normaliser(places: Readonly<Record<string, string>>): (text: string) => string {
  const ids = new Map<string, number>()
  const number = (id: string) => {
    const short = id.slice(0, 12)
    if (!ids.has(short)) ids.set(short, ids.size + 1)
    return `<id ${ids.get(short)}${id.length === 64 ? '' : ' short'}>`
  }
  const named = (text: string) => Object.entries(places).reduce((so, [place, usual]) => so.replaceAll(place, usual), text)
  return (text) => rules.reduce((so, [pattern, by]) => so.replace(pattern, by), named(text))
    .replace(/\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b/g, number)
}

const rules: readonly [RegExp, string][] = [
  [/\r/g, ''],
  // CLI 20.10 says this or not, as its connections end in this order or that.
  [/^time=.*error waiting for container: context canceled.*\n/gm, ''],
  // And this when the answer comes before all of the file has gone.
  [/(?<=^|\[stderr\] )time=.*Can't add file .* to tar: io: read\/write on closed pipe.*\n/gm, ''],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '<time>'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4} [A-Z]+/g, '<time>'],
  [/\b(?:Less than a second|About an? \w+|\d+ (?:second|minute)s?)\b(?: ago)?/g, '<while>'],
  [/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, '<mac>'],
  [/\b10\.20\d\.\d+\.\d+\b/g, '<address>'],
  [/[ \t]{2,}/g, '  '],
  [/[ \t]+$/gm, ''],
]
