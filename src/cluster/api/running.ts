/** What status shows of a running pod: the activity, how far it is, its pace and the time left. */
import { type Activity, activities, progressLimit } from '../../ground/contract/progress.ts';
import { integer, object, oneOf, text, type ValueOf } from '../../ground/contract/schema.ts';

const count = (description: string) => integer(description, { minimum: 0, maximum: progressLimit });

/** Schema of `running` in status. */
export const running = object(
  'What the pod reported last. Present while the pod runs, from its first report on that the operator has read.',
  {
    activity: oneOf(Object.keys(activities) as Activity[], 'What the pod is doing.'),
    percent: integer('Completed part of the activity.', { minimum: 0, maximum: 100 }),
    done: count('Completed steps of the activity, for example images.'),
    total: count('Steps of the activity.'),
    perSecond: text('Steps per second, for activities whose steps take about the same time.', {
      maxLength: 32,
      pattern: '^[0-9]+([.][0-9]+)?$',
    }),
    secondsLeft: count('Time left of the activity at this pace, in seconds.'),
    reportedAt: text('When the operator read the report.', { format: 'date-time', maxLength: 64 }),
  },
  { required: ['activity', 'reportedAt'] },
);

/** `running` in status. */
export type Running = ValueOf<typeof running>;
