import type { DescribedRoute } from './described-routes.ts'
import { docsPage, ORIGIN } from './docs-page.ts'
import { DOCS_STYLE } from './docs-style.ts'
import { errorsPage } from './errors-page.ts'
import { escapeHtml } from './html.ts'
import { openApiDocument } from './openapi.ts'

/** The texts that describe the server. Each is made once, when it is first asked for. */
export class Docs {
  readonly style = DOCS_STYLE
  readonly #document
  #json: Buffer | undefined
  #reference: string | undefined
  #errors: string | undefined

  /** @param routes all that there are */
  constructor(routes: readonly DescribedRoute[], version: string) {
    this.#document = openApiDocument(routes, version)
  }

  /** As bytes: to make them of a text of this length takes a millisecond each time. */
  get json(): Buffer {
    return (this.#json ??= Buffer.from(JSON.stringify(this.#document)))
  }

  /** @param origin the address that the reader came by, which the examples name */
  reference(origin: string): string {
    this.#reference ??= docsPage(this.#document).text
    return this.#reference.replaceAll(ORIGIN, escapeHtml(origin))
  }

  get errors(): string {
    return (this.#errors ??= errorsPage().text)
  }
}
