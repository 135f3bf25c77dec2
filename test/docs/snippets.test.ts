import { describe, expect, test } from 'vitest'

import { extractSnippets, promisedOutput, toModule } from './snippets.ts'

const fence = '```'

function guide(...lines: string[]): string {
  return lines.join('\n')
}

describe('the extractor of snippets', () => {
  test('finds the code, where it stands and what it stands under', () => {
    const [snippet, ...others] = extractSnippets(
      guide('# Title', '', '## Part', `${fence}ts`, 'one()', 'two()', fence),
      'a.md',
    )
    expect(others).toEqual([])
    expect(snippet).toEqual({
      file: 'a.md',
      line: 5,
      heading: 'Part',
      code: 'one()\ntwo()',
      before: '',
      after: '',
      notRun: null,
    })
  })

  test('puts what is given before it, by name and as code, and what is to hold after it', () => {
    const text = guide(
      '<!-- define client',
      'const zk = 1',
      '-->',
      '<!-- given client',
      'const more = 2',
      '-->',
      `${fence}ts`,
      'use(zk)',
      fence,
      '<!-- then',
      'assert.ok(zk)',
      '-->',
      `${fence}js`,
      'next()',
      fence,
    )
    const [first, second] = extractSnippets(text, 'a.md')
    expect(first).toMatchObject({ before: 'const zk = 1\nconst more = 2', code: 'use(zk)', after: 'assert.ok(zk)\n' })
    expect(second).toMatchObject({ before: '', code: 'next()', after: '' })
  })

  test('keeps the reason why a snippet is not run', () => {
    const text = guide('<!-- not run: needs an ensemble -->', `${fence}ts`, 'one()', fence)
    expect(extractSnippets(text, 'a.md')).toMatchObject([{ notRun: 'needs an ensemble' }])
  })

  test('leaves code in other languages alone', () => {
    expect(extractSnippets(guide(`${fence}python`, '# no heading', fence, `${fence}sh`, 'ls', fence), 'a.md')).toEqual(
      [],
    )
  })

  test.each([
    ['a language it does not know', [`${fence}typescript`, 'one()', fence], 'a.md:1: unknown language "typescript"'],
    ['a comment it does not know', ['text', '<!-- givn client -->'], 'a.md:2: unknown comment "givn client"'],
    ['a name that nothing has', ['<!-- given client -->'], 'a.md:1: nothing is called client'],
    ['no reason', ['<!-- not run: -->'], 'a.md:1: not run needs a reason'],
    ['a comment without its snippet', ['<!-- not run: so -->', '# End'], 'a.md:1: a comment without its snippet'],
    ['nothing above', ['<!-- then', 'assert.ok(1)', '-->'], 'a.md:1: then needs a snippet above it'],
    ['a fence in a list', ['- so:', `  ${fence}ts`, '  one()', `  ${fence}`], 'a.md:2: a fence must start its line'],
    ['a fence without end', [`${fence}ts`, 'one()'], 'a.md:2: the code block has no end'],
  ])('refuses %s', (_, lines, message) => {
    expect(() => extractSnippets(guide(...lines), 'a.md')).toThrow(message)
  })

  test('tells what a snippet promises to print, and where its first line stands in the module', () => {
    const text = guide('<!-- given', 'a', 'b', '-->', `${fence}ts`, 'console.log(1) // → 1', 'c() // → no', fence)
    const [snippet] = extractSnippets(text, 'a.md')
    if (snippet === undefined) throw new Error('no snippet')
    expect(promisedOutput(snippet)).toEqual(['1'])
    const { text: module, firstLine } = toModule(snippet)
    expect(module.split('\n')[firstLine - 1]).toBe('console.log(1) // → 1')
  })
})
