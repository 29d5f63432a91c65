// What the world lends a validator that cheats: its node, its key, its wires, and nothing of anybody else.

import type { TestGroup } from '../../../shared/chain/chain.test-kit.ts';
import type { VerifiedVote, VoteClaim } from '../../../shared/chain/vote.ts';
import type { Stage } from '../../adversaries/adversary.ts';
import type { Dice } from './dice.ts';
import type { EntryBook } from './entry-book.ts';
import type { ValidatorNode } from './validator-node.ts';
import type { Wire } from './wire.ts';

export function openStage(given: {
  readonly node: ValidatorNode;
  readonly group: TestGroup;
  readonly book: EntryBook;
  readonly dice: Dice;
  readonly peers: readonly number[];
  readonly sign: (claim: VoteClaim) => VerifiedVote;
  readonly send: (to: number, wire: Wire) => void;
  /** Lets it start again after the event under way. */
  readonly restart: () => void;
}): Stage {
  const { node, group, book, dice, peers } = given;
  const from = node.place;
  return {
    group,
    dice,
    peers,
    clock: () => node.clock,
    machine: () => node.machine,
    chain: () => node.chain,
    sign: given.sign,
    createBlock: (parent, change) => book.createBlock(node.epoch, parent, change),
    cutAfter: (parent) => book.cutAfter(parent, node.held, node.epoch),
    send: (to, message, finalView) => given.send(to, { kind: 'simplex', from, epoch: node.epoch, finalView, message }),
    sendWire: (to, wire) => given.send(to, { ...wire, from }),
    makeEntries(count) {
      node.addEntries(node.held + count);
      return node.held;
    },
    readDisk: () => node.disk.copy(),
    restartWith(disk) {
      node.crash();
      node.disk.putBack(disk);
      given.restart();
    },
  };
}
