// Offering this device to order the group: what that means, and what became of the offer.

import type { GroupOrder } from '../../../order-api.ts';
import { useSignal } from '@preact/signals';
import { EntryButton } from '../../components/entry-button.tsx';
import { Notice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { formatDate } from '../../format.ts';

export function OfferCard({ groupId, order }: { groupId: string; order: GroupOrder }) {
  const sent = useSignal<string | undefined>(undefined);
  const offer = order.offers.find(({ here }) => here);
  if (order.orderers.some(({ here }) => here)) return null;
  return (
    <Card title="Order with this device">
      {offer === undefined && sent.value === undefined && (
        <>
          <p>
            More devices that order make the group safer from one that is away. This one would have to be open as often
            as it can: others count on it.
          </p>
          <div class="actions">
            <EntryButton
              label="Offer this device…"
              verb="Offer it"
              question="Offer this device to order?"
              act={({ groups }) => groups.offerToOrder(groupId)}
              onSent={({ key }) => (sent.value = key)}
            >
              <p>
                Everybody in the group sees the offer for a week. Nothing changes until an admin takes it in: then this
                device votes on every block while the app is open.
              </p>
            </EntryButton>
          </div>
        </>
      )}
      <div role="status">
        {offer === undefined && sent.value !== undefined && (
          <p>Signed and stored: others see the offer when the group has ordered it.</p>
        )}
        {offer !== undefined && (
          <Notice tone="good">
            <p>This device offers to order until {formatDate(offer.until)}. An admin decides.</p>
          </Notice>
        )}
      </div>
    </Card>
  );
}
