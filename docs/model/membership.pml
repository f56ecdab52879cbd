/* Membership: assignment, handoff, checkpoint and retirement of 2 tasks among 3 participants.
 *
 * One row decides: every step is one transaction of assignment_svc (or of the registry), so it is
 * one `d_step`. Between two steps anything may happen: the service dies, messages are lost or come
 * late, participants fail, come back, retire. README.md says which code each step is, and what is
 * left out.
 *
 * Names in brackets: the invariant of the design (I2, I3, I5, I8). Taking a guard out:
 *   -DNO_EPOCH        a write shows no epoch
 *   -DNO_BURN         gaining and losing a task leave the epoch as it is
 *   -DNO_BASE         a checkpoint does not show which one it has seen
 *   -DNO_GATE         a bind and an offer do not ask the gate
 *   -DNO_OFFER_ID     an answer to an offer does not name it
 *   -DNO_SOURCE_GATE  a handoff that is given up does not ask the gate of its source
 *   -DNO_OFFERS       handoffs look for nobody (liveness)
 *   -DNO_LEAVING      retirements move nothing (liveness)
 * -DREACH=n: is this situation reached at all? (see REACHED)
 *
 * Without -DFAULTS: safety, whatever goes wrong how often. With -DFAULTS=n: at most n events go
 * wrong, and a task with an eligible participant is finally owned. -DCAPACITY=n: seats of each.
 */

#define TASKS 2
#define PARTICIPANTS 3
#define NOBODY PARTICIPANTS
#ifndef CAPACITY
#define CAPACITY 1
#endif

mtype:status = {PENDING, ASSIGNED, ACTIVE, MIGRATING, ENDED};
mtype:handoff = {NONE, INITIATED, OFFERED};
mtype:standing = {ALIVE, FAILED, RETIRING, RETIRED};
mtype:message = {NOTHING, WRITE, ANSWER};

/* The task's row and, under the same lock, its open handoff. */
mtype:status status[TASKS] = PENDING;
byte owner[TASKS] = NOBODY;
mtype:handoff handoff[TASKS] = NONE;
byte source[TASKS] = NOBODY;
byte target[TASKS] = NOBODY;
bit gone[TASKS];     /* the handoff's source counts as gone */
bit seated[TASKS];   /* its living source was fenced and keeps its seat */
bit outdated[TASKS]; /* a checkpoint was accepted after the offer was made: must never be */

/* The gate's row: what assignment_svc knows of a participant. */
bit marked[PARTICIPANTS]; /* it retires; never lifted */
byte used[PARTICIPANTS];
bit shut[PARTICIPANTS];   /* the standing that it reflects is FAILED */
bit behind[PARTICIPANTS]; /* the registry has moved on since */

/* The registry's row. */
mtype:standing registry[PARTICIPANTS] = ALIVE;

/* What is in no row. Safety needs none of it: a service that is down, and a message that was lost,
 * are steps that are not taken, and there nobody has to take any.
 */
#ifdef FAULTS
bit up = 1;       /* assignment_svc runs */
bit heard[TASKS]; /* who has to act next, owner or target of the offer, knows epoch or offer id */
byte faults = FAULTS;
#define UP up
#define HEARD(t) heard[t]
#define UNHEARD(t) heard[t] = 0
#define WRONG up && faults > 0
#define SPEND faults--
#else
#define UP true
#define HEARD(t) true
#define UNHEARD(t) skip
#define WRONG true
#define SPEND skip
#endif

/* One message of participant 0 about task 0 that is late. One is enough: up to the first that is
 * wrongly accepted, late ones are refused and change nothing; and tasks and participants are alike,
 * so it may as well be these. Epochs and offer ids are only ever compared with the row's, so
 * "the row's own" and "an older one" is all that there is to know about them.
 */
mtype:message late = NOTHING;
bit older;    /* it carries an epoch, or an offer id, that is not the row's any more */
bit overtaken; /* ghost: the acquisition, or the offer, that it speaks of is over */
bit surpassed; /* a newer checkpoint than its base_version was recorded since */

/* ---- guards: domain/predicates.py, domain/gate.py, usecases/decline_handoff.py */

#ifdef NO_EPOCH
#define FENCED(t, p, current) (owner[t] == (p))
#else
#define FENCED(t, p, current) (owner[t] == (p) && (current))
#endif

#ifdef NO_OFFER_ID
#define OFFERED_TO(t, p, current) (handoff[t] == OFFERED && target[t] == (p))
#else
#define OFFERED_TO(t, p, current) (handoff[t] == OFFERED && target[t] == (p) && (current))
#endif

#ifdef NO_BASE
#define BASED true
#else
#define BASED (!surpassed)
#endif

/* Judged ACTIVE outside the transaction, at any revision that the gate has not overtaken. */
#define JUDGED(p) (registry[p] == ALIVE || !shut[p] || behind[p])
#ifdef NO_GATE
#define ADMITS(p) JUDGED(p)
#else
#define ADMITS(p) (JUDGED(p) && !marked[p] && used[p] < CAPACITY)
#endif

#ifdef NO_SOURCE_GATE
#define STAYS(p) true
#else
#define STAYS(p) (!marked[p] && !shut[p])
#endif

/* ---- what they shall guarantee */

#define SEAT(t, p) ((owner[t] == (p)) + (seated[t] && source[t] == (p)) \
                    + (handoff[t] == OFFERED && target[t] == (p)))
#define SEATS(p) (SEAT(0, p) + SEAT(1, p))
#define COUNTED(p) (used[p] == SEATS(p))
#define OWNED(t) (status[t] == ASSIGNED || status[t] == ACTIVE)
#define SOUND(t) ((OWNED(t) == (owner[t] != NOBODY)) \
    && (status[t] != MIGRATING || handoff[t] != NONE) \
    && (handoff[t] != OFFERED || status[t] == MIGRATING) \
    && (!seated[t] || (status[t] == MIGRATING && !gone[t])) \
    && (handoff[t] == NONE || (status[t] != PENDING && status[t] != ENDED)))
#define LEFT(p) (registry[p] != RETIRED || (marked[p] && SEATS(p) == 0))

/* Somebody could take it: alive, not retiring, with a seat that no other task has. */
#define CAN(p, t) (registry[p] == ALIVE && !marked[p] && SEATS(p) - SEAT(t, p) < CAPACITY)
#define ELIGIBLE(t) (CAN(0, t) || CAN(1, t) || CAN(2, t))
#define SETTLED(t) (OWNED(t) || status[t] == ENDED)

#ifdef FAULTS
ltl finally_owned { [] <> (SETTLED(0) || !ELIGIBLE(0)) }
ltl finally_retired { [] (marked[0] -> <> (registry[0] == RETIRED)) }
#endif

/* ---- the parts of a transaction: usecases/steps, usecases/handoff/offering.py */

inline burn(t) {
#ifndef NO_BURN
    if :: t == 0 && late == WRITE -> older = 1 :: else fi;
#endif
    if :: t == 0 && late == WRITE -> overtaken = 1 :: else fi;
    UNHEARD(t)
}

inline gain(t, p) { /* [I2] nobody holds it, and nobody has ever seen its new epoch */
    assert(owner[t] == NOBODY);
    burn(t);
    assert(!(t == 0 && late == WRITE && !older));
    owner[t] = p
}

inline lose(t) {
    burn(t);
    owner[t] = NOBODY
}

inline release(p) {
    assert(used[p] > 0);
    used[p]--
}

inline look(p) { /* the gate is brought up to the standing that was judged, where that is newer */
    shut[p] = 0;
    if :: registry[p] == ALIVE -> behind[p] = 0 :: else fi
}

inline admit(p) {
    look(p);
    used[p]++;
    assert(!marked[p] && !shut[p]); /* [I8] nothing is given after the gate was marked */
    assert(used[p] <= CAPACITY)     /* [I8] */
}

inline end_offer(t) { /* declined, lapsed, withdrawn, taken or aborted: its id names nothing */
    if :: t == 0 && late == ANSWER -> older = 1; overtaken = 1 :: else fi;
    UNHEARD(t);
    outdated[t] = 0;
    target[t] = NOBODY;
    handoff[t] = INITIATED
}

inline withdraw(t) {
    release(target[t]);
    end_offer(t)
}

inline end_handoff(t) {
    handoff[t] = NONE;
    source[t] = NOBODY;
    gone[t] = 0;
    seated[t] = 0
}

inline abort_handoff(t) {
    if :: handoff[t] == OFFERED -> withdraw(t) :: else fi;
    if :: seated[t] -> release(source[t]) :: else fi;
    end_handoff(t)
}

inline begin_handoff(t) {
    assert(handoff[t] == NONE);
    handoff[t] = INITIATED;
    source[t] = owner[t]
}

inline lose_owner(t) { /* taking away asks nobody */
    if
    :: OWNED(t) ->
        if :: handoff[t] == NONE -> begin_handoff(t) :: else fi;
        release(owner[t]);
        lose(t);
        status[t] = MIGRATING
    :: status[t] == MIGRATING ->
        if :: seated[t] -> release(source[t]) :: else fi
    fi;
    seated[t] = 0;
    gone[t] = 1
}

inline make_offer(t, p) {
    admit(p);
    if
    :: OWNED(t) -> lose(t); status[t] = MIGRATING; seated[t] = 1
    :: else
    fi;
    handoff[t] = OFFERED;
    target[t] = p;
    UNHEARD(t)
}

inline give_up(t) { /* its living source goes on, under a new epoch; it never gave its seat back */
    if
    :: status[t] == MIGRATING ->
        assert(seated[t]);
        assert(!marked[source[t]]); /* [I8] */
        if :: handoff[t] == OFFERED -> withdraw(t) :: else fi;
        gain(t, source[t]);
        status[t] = ACTIVE;
        end_handoff(t)
    :: else -> end_handoff(t)
    fi
}

inline give_back(t) {
    if :: handoff[t] != NONE -> abort_handoff(t) :: else fi;
    release(owner[t]);
    lose(t);
    status[t] = PENDING
}

inline conclude(t) {
    if :: handoff[t] != NONE -> abort_handoff(t) :: else fi;
    if :: owner[t] != NOBODY -> release(owner[t]); lose(t) :: else fi;
    status[t] = ENDED;
    UNHEARD(t)
}

inline answer(t, p, stale) { /* CompleteHandoff: rebind, or withdraw where the gate has closed */
    assert(!stale); /* [I5] the completed offer is the open one */
    if
    :: marked[p] || !JUDGED(p) -> withdraw(t)
    :: else ->
        look(p);
        assert(status[t] == MIGRATING && owner[t] == NOBODY); /* [I5] */
        assert(used[p] <= CAPACITY);                          /* [I5, I8] */
        assert(!outdated[t]); /* [I5] what was received is the newest context */
        end_offer(t);
        gain(t, p); /* the offer's seat becomes the owner's */
        if :: seated[t] -> release(source[t]) :: else fi;
        end_handoff(t);
        status[t] = ACTIVE
    fi
}

inline renew(t) { /* ResumeTasks of what is still held: same owner and seat, a new epoch */
    burn(t);
    assert(!(t == 0 && late == WRITE && !older)) /* [I2] */
}

inline checkpoint(t) { /* RecordCheckpoint has committed */
    if :: t == 0 && late == WRITE -> surpassed = 1 :: else fi;
    if :: handoff[t] == OFFERED -> outdated[t] = 1 :: else fi
}

inline forget() {
    late = NOTHING;
    older = 0;
    overtaken = 0;
    surpassed = 0
}

/* ---- the service's background workers: workers/background.py */

/* AssignTask, BindTask */
#define BIND(t, p) \
    :: d_step { UP && status[t] == PENDING && ADMITS(p) -> \
        admit(p); gain(t, p); status[t] = ASSIGNED }
#define QUEUE(t) BIND(t, 0) BIND(t, 1) BIND(t, 2)

/* AdvanceHandoff: a source that retires counts as gone once there is a target */
#define OFFER(t, p) \
    :: d_step { UP && handoff[t] == INITIATED && source[t] != p && ADMITS(p) -> \
        if \
        :: !gone[t] && marked[source[t]] -> lose_owner(t) \
        :: else -> make_offer(t, p) \
        fi }
#ifdef NO_OFFERS
#define OFFERS(t)
#else
#define OFFERS(t) OFFER(t, 0) OFFER(t, 1) OFFER(t, 2)
#endif
/* nobody: one whose source is gone waits; others are DENIED, or given up */
#define HANDOFFS(t) \
    OFFERS(t) \
    :: d_step { UP && handoff[t] == INITIATED && !gone[t] && status[t] != MIGRATING \
                && !marked[source[t]] -> end_handoff(t) } \
    :: d_step { UP && handoff[t] == INITIATED && !gone[t] && status[t] == MIGRATING -> \
        if \
        :: STAYS(source[t]) -> give_up(t) \
        :: else -> lose_owner(t) \
        fi }

#define HOLDS(t, p) (owner[t] == p || (seated[t] && source[t] == p))
#define ON_OFFER(t, p) (handoff[t] == OFFERED && target[t] == p)

/* Reconcile, ApplyStandings: the gate first, then task by task */
#define MOVE(t, p) \
    :: d_step { UP && shut[p] && HOLDS(t, p) -> lose_owner(t) } \
    :: d_step { UP && shut[p] && ON_OFFER(t, p) -> withdraw(t) }
#define STANDING(p) \
    :: d_step { UP && behind[p] -> shut[p] = (registry[p] == FAILED); behind[p] = 0 } \
    MOVE(0, p) MOVE(1, p)

/* AdvanceRetirement, after the mark: each step by itself, and the registry hears of it */
#define LEAVE(t, p) \
    :: d_step { UP && registry[p] == RETIRING && HOLDS(t, p) -> lose_owner(t) } \
    :: d_step { UP && registry[p] == RETIRING && owner[t] == p && handoff[t] == NONE -> \
        begin_handoff(t) } \
    :: d_step { UP && registry[p] == RETIRING && ON_OFFER(t, p) -> withdraw(t) }
#ifdef NO_LEAVING
#define LEAVES(p)
#else
#define LEAVES(p) LEAVE(0, p) LEAVE(1, p)
#endif
#define RETIREMENT(p) \
    :: d_step { UP && marked[p] && (registry[p] == ALIVE || registry[p] == FAILED) -> \
        registry[p] = RETIRING; shut[p] = 0; behind[p] = 0 } \
    LEAVES(p) \
    :: d_step { UP && registry[p] == RETIRING && used[p] == 0 -> registry[p] = RETIRED }

/* ---- participants; `who` says whether somebody may rely on them. A zombie acts, too. */

#ifdef FAULTS
#define HEARS(t, p, who) \
    :: d_step { who && !heard[t] && (owner[t] == p || ON_OFFER(t, p)) -> heard[t] = 1 }
#else
#define HEARS(t, p, who)
#endif
/* StartTask; CompleteHandoff */
#define ACTS(t, p, who) \
    HEARS(t, p, who) \
    :: d_step { UP && who && HEARD(t) && status[t] == ASSIGNED && FENCED(t, p, true) -> \
        status[t] = ACTIVE } \
    :: d_step { UP && who && HEARD(t) && OFFERED_TO(t, p, true) -> answer(t, p, false) }
/* ResumeTasks of what was taken away and is with nobody yet: a bind like any other */
#define RETURNS(t, p) \
    :: d_step { UP && registry[p] == ALIVE && status[t] == MIGRATING && handoff[t] == INITIATED \
                && source[t] == p && ADMITS(p) -> \
        admit(p); abort_handoff(t); gain(t, p); status[t] = ACTIVE }
#define WELL(p) (registry[p] != FAILED)
#define PARTICIPANT(p) \
    ACTS(0, p, WELL(p)) ACTS(1, p, WELL(p)) \
    RETURNS(0, p) RETURNS(1, p)

/* CompleteTask and RecordCheckpoint, at will; what a FAILED participant still does */
#define AT_WILL(t) \
    :: d_step { UP && HEARD(t) && status[t] == ACTIVE && FENCED(t, owner[t], true) -> \
        conclude(t) } \
    :: d_step { UP && HEARD(t) && status[t] == ACTIVE && FENCED(t, owner[t], true) -> \
        checkpoint(t) }
#define ZOMBIE(p) ACTS(0, p, !WELL(p)) ACTS(1, p, !WELL(p))
#define LATE \
    :: d_step { late == NOTHING && HEARD(0) && owner[0] == 0 -> late = WRITE } \
    :: d_step { late == NOTHING && HEARD(0) && ON_OFFER(0, 0) -> late = ANSWER } \
    :: d_step { UP && late == WRITE && status[0] == ACTIVE && FENCED(0, 0, !older) && BASED -> \
        assert(!overtaken); /* [I3] the current owner's, from this very acquisition */ \
        assert(!surpassed); /* [I4] it has seen what it replaces */ \
        checkpoint(0); \
        forget() } \
    :: d_step { UP && late == ANSWER && OFFERED_TO(0, 0, !older) -> \
        answer(0, 0, overtaken); \
        forget() } \
    :: d_step { late != NOTHING -> forget() } /* refused, or it never arrives */

/* ---- what goes wrong, and what people ask for */

#ifdef FAULTS
#define DOWN :: d_step { WRONG -> SPEND; up = 0 }
#define DEAF(t) :: d_step { faults > 0 && heard[t] -> SPEND; heard[t] = 0 }
#else
#define DOWN
#define DEAF(t)
#endif
#define WRONG_WITH_TASK(t) \
    DEAF(t)                                                  /* directive, or answer, is lost */ \
    :: d_step { WRONG && handoff[t] == OFFERED -> SPEND; withdraw(t) }   /* declined, lapsed */ \
    :: d_step { WRONG && OWNED(t) -> SPEND; give_back(t) }     /* declined, failed, time is up */ \
    :: d_step { WRONG && status[t] != ENDED -> SPEND; conclude(t) }        /* cancelled, expired */ \
    :: d_step { WRONG && OWNED(t) && handoff[t] == NONE -> SPEND; begin_handoff(t) } \
    :: d_step { WRONG && handoff[t] != NONE && !gone[t] \
                && (status[t] != MIGRATING || STAYS(source[t])) -> SPEND; give_up(t) } \
    :: d_step { WRONG && OWNED(t) -> SPEND; lose_owner(t) }     /* not resumed, grants shrunk */ \
    :: d_step { WRONG && OWNED(t) -> SPEND; renew(t) }                   /* a new instance */
#define WRONG_WITH(p) \
    :: d_step { WRONG && registry[p] == ALIVE -> SPEND; registry[p] = FAILED; behind[p] = 1 } \
    :: d_step { registry[p] == FAILED -> registry[p] = ALIVE; behind[p] = shut[p] } \
    :: d_step { WRONG && !marked[p] -> SPEND; marked[p] = 1 }         /* RetireParticipant */
#define ANYTHING \
    DOWN \
    AT_WILL(0) AT_WILL(1) \
    ZOMBIE(0) ZOMBIE(1) ZOMBIE(2) \
    WRONG_WITH_TASK(0) WRONG_WITH_TASK(1) \
    WRONG_WITH(0) WRONG_WITH(1) WRONG_WITH(2)

#define HOLD (COUNTED(0) && COUNTED(1) && COUNTED(2) && SOUND(0) && SOUND(1) \
              && LEFT(0) && LEFT(1) && LEFT(2))

/* Claims about what never happens are worth something if these do. */
#if REACH == 1
#define REACHED (late == WRITE && older && owner[0] == 0) /* owner again, and its old write comes */
#elif REACH == 2
#define REACHED (late == ANSWER && older && ON_OFFER(0, 0)) /* offered again, its old yes comes */
#elif REACH == 3
#define REACHED (seated[0] && ON_OFFER(0, 1) && marked[source[0]]) /* a fenced source retires */
#elif REACH == 4
#define REACHED (registry[0] == RETIRED && registry[1] == RETIRED && owner[0] == 2)
#elif REACH == 5
#define REACHED (owner[0] == 0 && registry[0] == FAILED && !shut[0]) /* bound, dead, not yet seen */
#elif REACH == 6
#define REACHED (seated[0] && ON_OFFER(0, 1) && owner[1] == 2) /* every seat is taken */
#else
#define REACHED false
#endif

#ifdef FAULTS

/* Weak fairness is about processes: each worker, and each participant, is one. */
active proctype Queue0() { end: do QUEUE(0) od }
active proctype Queue1() { end: do QUEUE(1) od }
active proctype Handoffs0() { end: do HANDOFFS(0) od }
active proctype Handoffs1() { end: do HANDOFFS(1) od }
active proctype Standing0() { end: do STANDING(0) od }
active proctype Standing1() { end: do STANDING(1) od }
active proctype Standing2() { end: do STANDING(2) od }
active proctype Retirement0() { end: do RETIREMENT(0) od }
active proctype Retirement1() { end: do RETIREMENT(1) od }
active proctype Retirement2() { end: do RETIREMENT(2) od }
active proctype Participant0() { end: do PARTICIPANT(0) od }
active proctype Participant1() { end: do PARTICIPANT(1) od }
active proctype Participant2() { end: do PARTICIPANT(2) od }
active proctype Supervisor() { end: do :: d_step { !up -> up = 1 } od }
active proctype Anything() { end: do ANYTHING :: d_step { up || !up -> skip } od } /* it never has to */

#else

init { /* in safety nobody has to do anything: one process takes whatever step it likes */
end:
    do
    QUEUE(0) QUEUE(1) HANDOFFS(0) HANDOFFS(1)
    STANDING(0) STANDING(1) STANDING(2)
    RETIREMENT(0) RETIREMENT(1) RETIREMENT(2)
    PARTICIPANT(0) PARTICIPANT(1) PARTICIPANT(2)
    LATE ANYTHING
    :: d_step { !HOLD -> assert(HOLD) } /* [I2, I5, I8] seats, rows, RETIRED */
    :: d_step { REACHED -> assert(!REACHED) }
    od
}

#endif
