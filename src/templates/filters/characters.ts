/** Where a text is after so many more characters, an emoji counted as one. */
export function advance(text: string, from: number, count: number): number {
  let index = from
  for (let done = 0; done < count && index < text.length; done++) index += text.codePointAt(index)! > 0xffff ? 2 : 1
  return index
}

export function countCharacters(text: string): number {
  let count = 0
  for (let index = 0; index < text.length; index = advance(text, index, 1)) count += 1
  return count
}
