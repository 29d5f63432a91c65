// What was proven of cheats in a group, each with what it means; or that nothing was.

import type { MisbehaviourReport } from '../../../order-api.ts';
import { Card } from '../../components/page.tsx';
import { describeReport } from '../../order-words.ts';

export function ReportList({ reports }: { reports: readonly MisbehaviourReport[] }) {
  return (
    <Card title="Signed twice">
      {reports.length === 0 && (
        <p class="faint">
          Nothing was. Whoever signs two histories proves it by that: every device that sees both reports it by itself.
        </p>
      )}
      <ul class="rows">
        {reports.map((report) => {
          const { title, text } = describeReport(report);
          return (
            <li key={report.kind === 'votes' ? report.key : `${report.device} ${report.seq}`}>
              <div>
                <strong>{title}</strong>
                <p class="faint">{text}</p>
              </div>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
