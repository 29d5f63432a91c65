// A group's rules: each with what it means, its bounds and what it is now; what is announced; and, for admins, changing one.

import type { GroupDetails } from '../../../group-api.ts';
import type { GroupPolicy, PolicyParameter } from '../../../policy-api.ts';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Card, Page } from '../../components/page.tsx';
import { useLive } from '../../components/use-live.ts';
import { describeBounds, describeStep, formatValue, wordsOf } from '../../policy-words.ts';
import { routeTo } from '../../routes.ts';
import { PolicyForm } from './policy-form.tsx';

type Read = { readonly group: GroupDetails; readonly policy: GroupPolicy };

/** Of whoever joins and writes; all others are of tokens. */
const OF_WRITING = ['join', 'puzzleBits', 'joinsPerHour', 'operationsPerDay', 'bytesPerDay', 'blockInterval'];

export function PolicyView({ groupId }: { groupId: string }) {
  const { value, failure } = useLive(
    async ({ groups }): Promise<Read> => {
      const [group, policy] = await Promise.all([groups.get(groupId), groups.policy(groupId)]);
      return { group, policy };
    },
    (known) => known.groups.value,
  );
  const read = value.value;
  const back = <a href={routeTo({ view: 'group', groupId })}>{read?.group.name ?? 'To the group'}</a>;
  return (
    <Page title="Rules" lead={back}>
      {read === undefined && failure.value === undefined && <p role="status">Reading the rules…</p>}
      {read !== undefined && <Open {...read} />}
      <FailureNotice failure={failure.value} />
    </Page>
  );
}

function Open({ group, policy: { parameters, announced } }: Read) {
  const ofTokens = parameters.filter(({ name }) => !OF_WRITING.includes(name));
  return (
    <>
      {announced.length > 0 && (
        <Notice title="A change is on its way.">
          {announced.map((step) => (
            <p key={step.name}>{describeStep(step)}.</p>
          ))}
        </Notice>
      )}
      {group.role === 'admin' ? (
        <Card title="Change a rule">
          <PolicyForm groupId={group.groupId} parameters={parameters} />
        </Card>
      ) : (
        <p class="faint">Only admins change the rules, and everybody sees it beforehand or at once.</p>
      )}
      <Rules title="Joining and writing" parameters={parameters.filter(({ name }) => OF_WRITING.includes(name))} />
      {ofTokens.length > 0 && <Rules title="Tokens" parameters={ofTokens} />}
    </>
  );
}

function Rules({ title, parameters }: { title: string; parameters: readonly PolicyParameter[] }) {
  return (
    <Card title={title}>
      <ul class="rows">
        {parameters.map((parameter) => {
          const { label, means } = wordsOf(parameter.name);
          const bounds = describeBounds(parameter);
          return (
            <li key={parameter.name}>
              <div>
                <strong>{label}:</strong> {formatValue(parameter.name, parameter.value)}
                <p class="faint">
                  {means}
                  {bounds !== '' && ` May be ${bounds}.`}
                </p>
              </div>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
