/**
 * The code in the guides, as the documentation tests see it.
 *
 * A block of ```` ```ts ```` or ```` ```js ```` is a module of its own, unless hidden comments say otherwise:
 *
 * - `<!-- define NAME` and code: what several snippets stand on
 * - `<!-- given NAME` and code: what comes before the next snippet; the name, the code, or both
 * - `<!-- then` and code: what comes after the snippet above, to check what it did; `assert` is at hand
 * - `<!-- not run: REASON -->`: the next snippet is compiled, but cannot be run
 *
 * Whatever does not fit is an error, so that nothing is left out by a slip of the pen.
 */
export interface Snippet {
  /** The guide, from the root of the project. */
  readonly file: string
  /** The line of the snippet's first line, from 1. */
  readonly line: number
  /** The heading it stands under. */
  readonly heading: string
  readonly code: string
  readonly before: string
  readonly after: string
  /** Why it is compiled, but not run; null for those that are. */
  readonly notRun: string | null
}

const checked: ReadonlySet<string> = new Set(['ts', 'js'])
/** Languages that may stand in a guide unchecked; any other is taken for a slip. */
const unchecked: ReadonlySet<string> = new Set(['python', 'sh', 'text', 'yaml'])

interface Draft {
  before: string[]
  notRun: string | null
  line: number
}

export function extractSnippets(markdown: string, file: string): Snippet[] {
  return new Extractor(markdown, file).run()
}

class Extractor {
  readonly #lines: readonly string[]
  readonly #file: string
  readonly #contexts = new Map<string, string>()
  readonly #snippets: { -readonly [K in keyof Snippet]: Snippet[K] }[] = []
  #at = 0
  #heading = ''
  #draft: Draft | null = null

  constructor(markdown: string, file: string) {
    this.#lines = markdown.split(/\r?\n/)
    this.#file = file
  }

  run(): Snippet[] {
    while (this.#at < this.#lines.length) {
      const line = this.#line()
      if (/^#+ /.test(line)) this.#heading = line.replace(/^#+ /, '')
      if (line.startsWith('<!--')) this.#comment()
      else if (line.startsWith('```')) this.#fence(line.slice(3).trim())
      else if (/^\s+```/.test(line)) this.#fail('a fence must start its line')
      else this.#at++
    }
    if (this.#draft !== null) this.#fail('a comment without its snippet', this.#draft.line)
    return this.#snippets
  }

  #line(): string {
    return this.#lines[this.#at] ?? ''
  }

  #fail(what: string, line = this.#at + 1): never {
    throw new Error(`${this.#file}:${line}: ${what}`)
  }

  /** The lines up to the one that ends what begins here; the next is the one after it. */
  #until(isEnd: (line: string) => boolean, what: string): string[] {
    const start = this.#at
    const found: string[] = []
    for (; this.#at < this.#lines.length; this.#at++) {
      if (isEnd(this.#line())) {
        this.#at++
        return found
      }
      found.push(this.#line())
    }
    return this.#fail(`${what} has no end`, start + 1)
  }

  #fence(language: string): void {
    const line = ++this.#at + 1
    const code = this.#until((text) => text.startsWith('```'), 'the code block').join('\n')
    if (unchecked.has(language)) return
    if (!checked.has(language)) this.#fail(`unknown language ${JSON.stringify(language)}`, line - 1)
    const { before, notRun } = this.#draft ?? { before: [], notRun: null }
    this.#draft = null
    const snippet = {
      file: this.#file,
      line,
      heading: this.#heading,
      code,
      before: before.join('\n'),
      after: '',
      notRun,
    }
    this.#snippets.push(snippet)
  }

  #comment(): void {
    const line = this.#at + 1
    const [head, ...body] = this.#commentText()
    const [, word = '', rest = ''] = /^(define|given|then|not run:)(?: (.*))?$/.exec(head ?? '') ?? []
    const code = body.join('\n')
    if (word === 'define') {
      if (rest === '' || code === '') this.#fail('define needs a name and code', line)
      this.#contexts.set(rest, code)
    } else if (word === 'then') {
      const snippet = this.#snippets.at(-1)
      if (snippet === undefined || code === '') this.#fail('then needs a snippet above it, and code', line)
      snippet.after += `${code}\n`
    } else if (word === 'given') {
      this.#draft ??= { before: [], notRun: null, line }
      if (rest !== '')
        this.#draft.before.push(this.#contexts.get(rest) ?? this.#fail(`nothing is called ${rest}`, line))
      if (code !== '') this.#draft.before.push(code)
    } else if (word === 'not run:') {
      if (rest === '') this.#fail('not run needs a reason', line)
      this.#draft ??= { before: [], notRun: null, line }
      this.#draft.notRun = rest
    } else {
      this.#fail(`unknown comment ${JSON.stringify(head)}`, line)
    }
  }

  #commentText(): string[] {
    const single = /^<!-- ?(.*?) ?-->$/.exec(this.#line())
    if (single !== null) {
      this.#at++
      return [single[1] ?? '']
    }
    return this.#until((text) => text === '-->', 'the comment').map((text, index) =>
      index === 0 ? text.replace(/^<!-- ?/, '') : text,
    )
  }
}

/** What a snippet says that it prints: the text after `// →` behind a `console.log`. */
export function promisedOutput({ code }: Snippet): string[] {
  return [...code.matchAll(/console\.log\(.*\/\/ → (.*)$/gm)].map((match) => match[1] ?? '')
}

const header = "import assert from 'node:assert/strict'"

/** The module that a snippet becomes, and where its own first line stands in it, from 1. */
export function toModule(snippet: Snippet): { readonly text: string; readonly firstLine: number } {
  const before = snippet.before === '' ? [header] : [header, snippet.before]
  const text = [...before, snippet.code, snippet.after, 'void assert', 'export {}', ''].join('\n')
  return { text, firstLine: before.join('\n').split('\n').length + 1 }
}
