// The outdated: a folder put back from a backup, again and again; it signs once more what it has forgotten it signed.

import type { DiskCopy } from '../simulator/validators/validator-disk.ts';
import type { Adversary, Stage } from './adversary.ts';

export function createOutdated(stage: Stage): Adversary {
  const { dice } = stage;
  const backups: DiskCopy[] = [];
  return {
    tick() {
      if (dice.happens(0.2)) backups.push(stage.readDisk());
      if (backups.length > 0 && dice.happens(0.15)) stage.restartWith(dice.pick(backups));
    },
  };
}
