// The other sites of a handle, each under a name of its own, and one more.

import type { OwnSite } from '../../../api.ts';
import { useSignal } from '@preact/signals';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { Field } from '../../components/field.tsx';
import { Card } from '../../components/page.tsx';
import { countOf, displaySite } from '../../format.ts';
import { explainHandle, tidyHandle } from '../../handle-choice.ts';
import { routeTo } from '../../routes.ts';

export function NamedSites({ site }: { site: OwnSite }) {
  const { known, publish } = useApp();
  const name = useSignal('');
  const siblings = known.sites.value?.filter((one) => one.handle === site.handle) ?? [];
  const others = siblings.filter((one) => one.name !== site.name);
  const taken = siblings.some((one) => one.name === name.value);
  const problem =
    name.value === '' ? undefined : taken ? 'You publish a site of this name.' : explainHandle(name.value);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (name.value === '' || problem !== undefined) return;
    publish.begin({ handle: site.handle, name: name.value });
    location.hash = routeTo('start');
  };
  return (
    <Card title={`More under @${site.handle}`}>
      <ul class="rows">
        {others.map((one) => (
          <li key={one.name}>
            <a href={routeTo({ view: 'site', handle: one.handle, name: one.name })}>{displaySite(one)}</a>
            <span class="faint">
              version {one.seq} · {countOf(one.copies, 'copy', 'copies')} held
            </span>
          </li>
        ))}
      </ul>
      <form class="stack" onSubmit={submit}>
        <Field
          label="Name of another site"
          value={name.value}
          onInput={(typed) => (name.value = tidyHandle(typed))}
          hint="It has a link of its own, beside this one."
          problem={problem}
        />
        <div class="actions">
          <Button icon="add" submit disabled={name.value === '' || problem !== undefined}>
            Choose its folder
          </Button>
        </div>
      </form>
    </Card>
  );
}
