import { networkInterfaces } from 'node:os'
import { readAddress } from '../addresses.ts'
import { AddressList } from './address-list.ts'
import { isMetadata, isPublic } from './public-address.ts'

/** Decides whom workflows may reach: everybody with a public address, and whom the operator lists. */
export class Reach {
  readonly #listed: AddressList
  readonly #ownAddresses: () => readonly string[]

  /**
   * @param listed addresses, networks and host names, each with or without a port
   * @param ownAddresses those of this machine, where what is meant for itself may answer, however public they are
   * @throws Error that says which entry cannot be read
   */
  constructor(listed: readonly string[], ownAddresses: () => readonly string[] = addressesOfThisMachine) {
    this.#listed = new AddressList(listed)
    this.#ownAddresses = ownAddresses
  }

  /**
   * @param text the address that is to be connected to, or is
   * @param name the host of the URL that led to it
   */
  permits(text: string, port: number, name: string): boolean {
    const address = readAddress(text)
    if (!address) return false
    if (this.#listed.names(address, port)) return true
    // Not by a network that contains it, nor by a name that leads to it.
    if (isMetadata(address)) return false
    if (this.#listed.contains(address, port) || this.#listed.hasName(name, port)) return true
    return isPublic(address) && !this.#ownAddresses().some((own) => readAddress(own)?.toString() === address.toString())
  }
}

function addressesOfThisMachine(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? [])
}
