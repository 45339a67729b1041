/** The operators' page: shows what /operations/stream tells and calls the control API. */

const kept = 'moorage-operator-token'
const $ = (id) => document.getElementById(id)
let token = sessionStorage.getItem(kept) ?? ''
let following
let picture

/** An element with text, attributes and children; text of jobs only ever becomes text. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'onclick') made.addEventListener('click', value)
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value)
  }
  made.append(...children.filter((child) => child !== undefined).map((child) => child instanceof Node ? child : String(child)))
  return made
}

const cell = (...children) => element('td', {}, ...children)
const number = (value) => element('td', { class: 'number' }, value)

function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const [unit, size] = [['d', 86400], ['h', 3600], ['min', 60]].find(([, length]) => seconds >= 2 * length) ?? ['s', 1]
  return `${Math.floor(seconds / size)} ${unit}`
}

function bytes(count) {
  if (count === undefined) return 'as the host'
  const [unit, size] = [['GiB', 2 ** 30], ['MiB', 2 ** 20]].find(([, length]) => count >= length) ?? ['KiB', 2 ** 10]
  return `${Math.round(count / size * 10) / 10} ${unit}`
}

/** How much of a host is reserved, as a bar and in words. */
function share(reserved, total, words, label) {
  if (total === undefined) return cell('unknown')
  if (reserved === undefined) return cell(words(total))
  const meter = element('meter', { min: 0, max: total, value: reserved, high: total * 0.9, 'aria-label': `${label}: ${words(reserved)} of ${words(total)}` })
  return cell(meter, `${words(reserved)} of ${words(total)}`)
}

function hostRow(host) {
  const [state, kind] = !host.up ? ['away', 'bad'] : host.draining ? ['draining', 'warn'] : ['up', 'good']
  const [verb, words] = host.draining ? ['resume', 'Resume'] : ['drain', 'Drain']
  const act = () => change('POST', `/hosts/${encodeURIComponent(host.name)}/${verb}`,
    host.draining ? undefined : `Drain ${host.name}? It takes no new namespaces; those that live there go on.`)
  return element('tr', {}, element('th', { scope: 'row' }, host.name), cell(element('span', { class: kind }, state)), cell(host.engine ?? ''),
    number(host.namespaces), share(host.reservedMemory, host.memory, bytes, 'Memory reserved'), share(host.reservedCpus, host.cpus, (count) => `${count} CPUs`, 'CPUs reserved'),
    cell(element('button', { type: 'button', 'data-key': `host ${host.name}`, 'aria-label': `${words} host ${host.name}`, onclick: act }, words)))
}

function namespaceRow(one, now) {
  const act = () => change('DELETE', `/namespaces/${one.id}`, `Close ${one.id}${one.label ? ` (${one.label})` : ''}? Its connections are cut and everything of it is removed.`)
  const { memory, cpus } = one.limits ?? {}
  const button = element('button', { type: 'button', class: 'danger', 'data-key': `namespace ${one.id}`, 'aria-label': `Close namespace ${one.id}`, onclick: act }, 'Close')
  return element('tr', {}, element('th', { scope: 'row' }, one.id), cell(one.label), cell(one.domain === one.id ? 'its own' : one.domain ?? ''), cell(one.policy), cell(one.host),
    cell(span(now - one.opened)), cell(one.state === 'closing' ? element('span', { class: 'warn' }, 'closing') : span(one.expires - now)),
    cell(one.lastCall === undefined ? 'none here' : `${span(now - one.lastCall)} ago`),
    number(one.containers), number(one.networks), number(one.volumes), number(one.images),
    cell(`${bytes(memory)}, ${cpus === undefined ? 'all CPUs' : `${cpus} CPUs`}`), cell(one.state === 'closing' ? '' : button))
}

function refusalItem(one) {
  const who = [one.label || one.namespace || 'unknown caller', one.policy && `policy ${one.policy}`, `${one.endpoint}${one.target ? ` ${one.target}` : ''}`, one.permitted ? 'done, only observed' : one.status]
  return element('li', { 'data-key': `${one.at} ${one.endpoint} ${one.message}` },
    element('div', { class: 'who' }, element('time', { datetime: new Date(one.at).toISOString() }, new Date(one.at).toLocaleTimeString()), ` · ${who.filter(Boolean).join(' · ')}`),
    element('p', {}, ...sentence(one)))
}

/** The sentence with the refused field set apart, which most sentences begin with. */
function sentence({ field, message }) {
  if (!field) return [message]
  const rest = message.startsWith(field) ? message.slice(field.length) : `: ${message}`
  return [element('code', {}, field), rest]
}

function closedItem(one) {
  return element('li', { 'data-key': `${one.at} ${one.id}` },
    element('div', { class: 'who' }, element('time', { datetime: new Date(one.at).toISOString() }, new Date(one.at).toLocaleTimeString()), ` · ${one.id}${one.label ? ` · ${one.label}` : ''} · ${one.why}`))
}

/** Replaces rows and leaves the keyboard where it was. */
function fill(body, rows, columns, nothing) {
  const focused = document.activeElement?.dataset?.['key']
  body.replaceChildren(...(rows.length > 0 ? rows : [element('tr', {}, element('td', { colspan: columns, class: 'empty' }, nothing))]))
  if (focused && body.isConnected) [...body.querySelectorAll('[data-key]')].find((one) => one.dataset['key'] === focused)?.focus()
}

/** Adds only what is new, so that a screen reader hears only that. */
function prepend(list, items, nothing) {
  list.querySelector('.empty')?.remove()
  const there = new Set([...list.children].map((item) => item.dataset['key']))
  list.prepend(...items.filter((item) => !there.has(item.dataset['key'])))
  while (list.children.length > 200) list.lastElementChild.remove()
  if (list.children.length === 0) list.append(element('li', { class: 'empty' }, nothing))
}

function matches(one, wanted) {
  return [one.id, one.label, one.domain, one.policy, one.host].some((text) => text?.toLowerCase().includes(wanted))
}

function draw() {
  if (!picture) return
  const { at, hosts, namespaces, total, refusals, closed = [] } = picture
  const wanted = $('filter').value.trim().toLowerCase()
  const shown = namespaces.filter((one) => matches(one, wanted))
  fill($('hosts'), hosts.map(hostRow), 7, 'No hosts: add one with moorage hosts add')
  fill($('namespaces'), shown.map((one) => namespaceRow(one, at)), 14, wanted ? 'None matches' : 'None is open: moorage open')
  $('total').textContent = total > namespaces.length ? `(${total}, the newest ${namespaces.length} shown)` : `(${total})`
  prepend($('refusals'), refusals.map(refusalItem), 'None since this gateway started')
  prepend($('closed'), closed.map(closedItem), 'None since this gateway started')
}

async function follow() {
  following?.abort()
  following = new AbortController()
  const { signal } = following
  while (!signal.aborted) {
    try {
      const response = await fetch('/operations/stream', { headers: { Authorization: `Bearer ${token}` }, signal })
      if (response.status === 401) return leave('The gateway does not know this token.')
      if (!response.ok) throw new Error(`The gateway answered ${response.status}`)
      await read(response.body)
      throw new Error('The gateway ended the connection')
    } catch (error) {
      if (signal.aborted) return
      $('state').textContent = `${error.message}; trying again`
      await new Promise((resolve) => setTimeout(resolve, 2000))
    }
  }
}

async function read(body) {
  let rest = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split('\n\n')
    rest = parts.pop()
    for (const part of parts) if (part.startsWith('data: ')) see(JSON.parse(part.slice(6)))
  }
}

function see(value) {
  const first = !picture
  picture = value
  sessionStorage.setItem(kept, token)
  $('state').textContent = `Live, as of ${new Date(value.at).toLocaleTimeString()}`
  $('enter').hidden = true
  $('main').hidden = $('leave').hidden = false
  draw()
  if (first) $('main').focus()
}

function leave(why = 'Not connected') {
  following?.abort()
  sessionStorage.removeItem(kept)
  token = ''
  picture = undefined
  $('state').textContent = why
  $('main').hidden = $('leave').hidden = true
  $('enter').hidden = false
  $('token').value = ''
  $('token').focus()
}

function asked(question) {
  if (question === undefined) return Promise.resolve(true)
  const dialog = $('ask')
  $('ask-text').textContent = question
  dialog.returnValue = 'no'
  dialog.showModal()
  return new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true }))
}

async function change(method, path, question) {
  if (!await asked(question)) return
  $('notice').textContent = ''
  try {
    const response = await fetch(path, { method, headers: { Authorization: `Bearer ${token}` } })
    if (!response.ok) throw new Error((await response.json()).message)
  } catch (error) {
    $('notice').textContent = error.message
  }
}

$('enter').addEventListener('submit', (event) => {
  event.preventDefault()
  token = $('token').value.trim()
  void follow()
})
$('leave').addEventListener('click', () => leave())
$('filter').addEventListener('input', draw)
if (token) void follow()
