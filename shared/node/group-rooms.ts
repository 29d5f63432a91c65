// The rooms that a node of a group is in: one, or those of the last key epochs, opened and left as its keys change (GK5).

import type { RoomId } from '../session/room.ts';
import type { GroupLinks, GroupRoom } from './group-links.ts';

export class GroupRooms {
  readonly #open: (room: GroupRoom) => GroupLinks;
  readonly #links = new Map<RoomId, GroupLinks>();
  #newest: RoomId | null = null;

  constructor(open: (room: GroupRoom) => GroupLinks) {
    this.#open = open;
  }

  get all(): readonly GroupLinks[] {
    return [...this.#links.values()];
  }

  /** Whether what is meant for all members of now goes there. */
  isNewest({ id }: Pick<GroupRoom, 'id'>): boolean {
    return id === this.#newest;
  }

  /** In these from now on, the newest first, and in no others. */
  follow(rooms: readonly GroupRoom[]): void {
    this.#newest = rooms[0]?.id ?? null;
    const wanted = new Set(rooms.map(({ id }) => id));
    for (const room of rooms) if (!this.#links.has(room.id)) this.#links.set(room.id, this.#open(room));
    for (const [id, links] of this.#links) {
      if (wanted.has(id)) continue;
      this.#links.delete(id);
      links.close();
    }
  }

  close(): void {
    for (const links of this.#links.values()) links.close();
    this.#links.clear();
  }
}
