// The node as this page calls it: the JavaScript API with groups, their documents and the versions of sites.

import type { NodeEvents, WeftApi } from '../api.ts';
import type { DocumentsApi, GroupsApi, GroupSummary } from '../group-api.ts';

export type AppEvents = NodeEvents & { groups: readonly GroupSummary[] };

/** One published manifest of a site. */
export type SiteVersion = {
  readonly seq: number;
  readonly manifest: string;
  readonly publishedAt: number;
  readonly files: number;
  readonly bytes: number;
  readonly current: boolean;
};

type SiteName = { handle: string; name?: string };

/** What a node may not offer is not shown. */
type SiteVersions = {
  versions?(site: SiteName): Promise<readonly SiteVersion[]>;
  /** A new version that names an old manifest. */
  rollback?(site: SiteName & { manifest: string }): Promise<{ seq: number }>;
};

export type AppNode = Omit<WeftApi, 'on' | 'sites'> & {
  readonly sites: WeftApi['sites'] & SiteVersions;
  readonly groups: GroupsApi;
  readonly documents: DocumentsApi;
  on<K extends keyof AppEvents>(event: K, listener: (value: AppEvents[K]) => void): () => void;
};
