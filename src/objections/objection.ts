/** PURE. What becomes of an objection: received, talked about, and one of three ends. */
export const objectionStates = ['received', 'in-talks', 'resolved', 'upheld', 'withdrawn'] as const;
export type ObjectionState = (typeof objectionStates)[number];

export interface Objection {
  id: number;
  version: number;
  subscriberId: number | null;
  /** The mail whose link was used. */
  deliveryId: number;
  /** Null once the person is erased. */
  email: string | null;
  company: string | null;
  grounds: string;
  receivedAt: Date;
  /** It came after the objection window had ended. */
  late: boolean;
  state: ObjectionState;
  note: string | null;
  updatedAt: Date;
}
