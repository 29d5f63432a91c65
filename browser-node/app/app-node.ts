// The node as this page calls it: the JavaScript API with groups and their documents.

import type { NodeEvents, WeftApi } from '../api.ts';
import type { DocumentsApi, GroupsApi, GroupSummary } from '../group-api.ts';

export type AppEvents = NodeEvents & { groups: readonly GroupSummary[] };

export type AppNode = Omit<WeftApi, 'on'> & {
  readonly groups: GroupsApi;
  readonly documents: DocumentsApi;
  on<K extends keyof AppEvents>(event: K, listener: (value: AppEvents[K]) => void): () => void;
};
