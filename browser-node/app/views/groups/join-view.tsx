// An invite that was opened: what it invites to, and joining; one that does not work says why and what to do.

import type { InvitePreview } from '../../../group-api.ts';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useApp } from '../../app-state.ts';
import { Button, LinkButton } from '../../components/button.tsx';
import { Field } from '../../components/field.tsx';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Card, Page } from '../../components/page.tsx';
import { UnlockForm } from '../../components/unlock-form.tsx';
import { useCall } from '../../components/use-call.ts';
import { ensureWallet } from '../../ensure-wallet.ts';
import { formatDate } from '../../format.ts';
import { adviseOnInvite, describePreview, isSpentInvite } from '../../group-words.ts';
import { replaceRoute, routeTo } from '../../routes.ts';

/** As in the entry that joins. */
const NAME_LENGTH_MAX = 64;

export function JoinView({ invite }: { invite: string }) {
  const preview = useSignal<InvitePreview | undefined>(undefined);
  const { busy, failure, run } = useCall();
  const url = `${location.origin}/${routeTo({ view: 'join', invite })}`;
  const look = (): void =>
    run(
      (api) => api.groups.previewInvite(url),
      (found) => (preview.value = found),
    );
  useEffect(look, []);
  const found = preview.value;
  return (
    <Page title={found === undefined ? 'An invite' : `Join “${found.name}”`}>
      {found === undefined && failure.value === undefined && <p role="status">Reading the invite…</p>}
      {failure.value !== undefined && (
        <FailureNotice failure={failure.value}>
          <p>{adviseOnInvite(failure.value)}</p>
          <div class="actions">
            {!isSpentInvite(failure.value) && (
              <Button busy={busy.value} onClick={look}>
                Try again
              </Button>
            )}
            <LinkButton href={routeTo('groups')}>To your groups</LinkButton>
          </div>
        </FailureNotice>
      )}
      {found !== undefined && <Invited preview={found} url={url} />}
    </Page>
  );
}

function Invited({ preview, url }: { preview: InvitePreview; url: string }) {
  const { known } = useApp();
  const { groupId, expires, joined } = preview;
  if (joined) {
    return (
      <Notice tone="good" title="You are in this group already.">
        <LinkButton look="main" href={routeTo({ view: 'group', groupId })}>
          Open the group
        </LinkButton>
      </Notice>
    );
  }
  if (expires <= Date.now()) {
    return (
      <Notice tone="warn" title={`This invite was good until ${formatDate(expires)}.`}>
        <p>Ask whoever invited you for a new link.</p>
      </Notice>
    );
  }
  return (
    <Card tone="raised">
      <p>{describePreview(preview)}</p>
      {known.wallet.value?.state === 'locked' ? <UnlockForm /> : <JoinForm preview={preview} url={url} />}
    </Card>
  );
}

function JoinForm({ preview, url }: { preview: InvitePreview; url: string }) {
  const { say } = useApp();
  const name = useSignal('');
  const { busy, failure, run } = useCall();
  const own = name.value.trim();
  const tooLong = own.length > NAME_LENGTH_MAX;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (tooLong) return;
    run(
      async (api) => {
        await ensureWallet(api);
        return await api.groups.join(url, own === '' ? {} : { name: own });
      },
      ({ groupId }) => {
        say(`You join ${preview.name}`);
        // The invite is used up: it has no place in the history.
        replaceRoute({ view: 'group', groupId });
      },
    );
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Field
        label="Your name in this group"
        value={name.value}
        onInput={(typed) => (name.value = typed)}
        hint="What the others call you; you may leave it empty."
        problem={tooLong ? `At most ${NAME_LENGTH_MAX} characters.` : undefined}
      />
      {failure.value !== undefined && (
        <FailureNotice failure={failure.value}>
          <p>{adviseOnInvite(failure.value)}</p>
        </FailureNotice>
      )}
      <div class="actions">
        <Button look="main" submit busy={busy.value} disabled={tooLong}>
          Join
        </Button>
        <LinkButton look="quiet" href={routeTo('groups')}>
          Not now
        </LinkButton>
      </div>
    </form>
  );
}
