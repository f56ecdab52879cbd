package main

import (
	"context"
	"log"
	"sync"
	"time"

	pb "phoenix-dma.example/agent/gen/phoenix_dma/v1"
)

// stayAttached registers, keeps a stream open, and does what the end of each stream asks for.
func (a *Agent) stayAttached(ctx context.Context) {
	mustRegister := true
	for {
		if mustRegister {
			if err := a.register(ctx); err != nil {
				log.Printf("not registered: %v", err)
				time.Sleep(time.Second)
				continue
			}
		}
		reason, err := a.attached(ctx)
		mustRegister = false
		switch reason {
		case pb.LeaseLostReason_LEASE_LOST_REASON_SUPERSEDED, pb.LeaseLostReason_LEASE_LOST_REASON_RETIRED:
			a.stopAll()
			log.Fatalf("the lease is lost for good: %v", reason)
		case pb.LeaseLostReason_LEASE_LOST_REASON_EXPIRED, pb.LeaseLostReason_LEASE_LOST_REASON_UNKNOWN:
			a.stopAll()
			mustRegister = true
		case pb.LeaseLostReason_LEASE_LOST_REASON_SUSPENDED:
			a.stopAll() // attaching is refused until an operator has reinstated it
		default: // CREDENTIAL, SLOW_READER, or a broken connection: the lease still runs
			log.Printf("the stream ended: %v %v", reason, err)
		}
		time.Sleep(time.Second)
	}
}

// Session is one KeepAlive stream; a gRPC stream takes messages from one goroutine at a time.
type Session struct {
	stream pb.SessionService_KeepAliveClient
	lock   sync.Mutex
	slot   int32
	seq    int64
}

func (s *Session) send(message *pb.KeepAliveRequest) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.stream.Send(message)
}

// attached opens a stream and reads it until it ends; answers why the lease was lost, where it was.
func (a *Agent) attached(parent context.Context) (pb.LeaseLostReason, error) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	none := pb.LeaseLostReason_LEASE_LOST_REASON_UNSPECIFIED
	stream, err := a.sessions.KeepAlive(a.authorized(ctx))
	if err != nil {
		return none, err
	}
	session := &Session{stream: stream}
	attached := time.Now()
	attach := &pb.Attach{ParticipantId: a.id, Generation: a.generation}
	if err := session.send(&pb.KeepAliveRequest{Message: &pb.KeepAliveRequest_Attach{Attach: attach}}); err != nil {
		return none, err
	}
	resumed := false
	for {
		message, err := stream.Recv()
		if err != nil {
			return none, err
		}
		switch one := message.Message.(type) {
		case *pb.KeepAliveResponse_Lease:
			session.slot = one.Lease.Slot
			a.lease.granted(one.Lease.Ttl.AsDuration(), attached)
			go a.beat(ctx, cancel, session, one.Lease.Interval.AsDuration())
		case *pb.KeepAliveResponse_BeatAck:
			a.lease.acknowledged(one.BeatAck.Seq)
			if !resumed { // the first beat has arrived: the participant is ACTIVE
				resumed = true
				go a.resume(parent) // the work outlives this stream
			}
		case *pb.KeepAliveResponse_Directive:
			go a.carryOut(parent, session, one.Directive)
		case *pb.KeepAliveResponse_LeaseLost:
			return one.LeaseLost.Reason, nil
		}
	}
}

// beat sends the first beat at once and one each interval, until the stream ends or is known to be
// dead: where no beat was acknowledged for the length of the lease, only a new one can help.
func (a *Agent) beat(ctx context.Context, cancel context.CancelFunc, s *Session, interval time.Duration) {
	renewed := a.credential.token(ctx)
	for ctx.Err() == nil {
		s.seq++
		a.lease.sending(s.seq)
		beats := &pb.Beats{Seq: s.seq, Beats: []*pb.Beat{{Slot: s.slot, State: pb.HealthState_HEALTH_STATE_SERVING}}}
		_ = s.send(&pb.KeepAliveRequest{Message: &pb.KeepAliveRequest_Beats{Beats: beats}})
		if token := a.credential.token(ctx); token != renewed {
			renewed = token
			refresh := &pb.Refresh{Slot: s.slot, Credential: token}
			_ = s.send(&pb.KeepAliveRequest{Message: &pb.KeepAliveRequest_Refresh{Refresh: refresh}})
		}
		select {
		case <-ctx.Done():
		case <-time.After(interval):
		}
		if a.lease.lost() {
			cancel()
		}
	}
}

// watchLease stops the work as soon as the lease may have run out, whether or not there is a stream
// to hear it on: the tasks are about to be given away.
func (a *Agent) watchLease() {
	for range time.Tick(100 * time.Millisecond) {
		if a.lease.lost() && a.stopAll() > 0 {
			log.Print("no beat was acknowledged for a lease's length; the work has stopped")
		}
	}
}

// acknowledge says that a directive was carried out, or why not; until then it comes again.
func (s *Session) acknowledge(directive *pb.Directive, failure string) {
	ack := &pb.DirectiveAck{DirectiveId: directive.DirectiveId, Slot: s.slot, Error: failure}
	_ = s.send(&pb.KeepAliveRequest{Message: &pb.KeepAliveRequest_DirectiveAck{DirectiveAck: ack}})
}

// leaseWatch knows until when the lease certainly stands: a TTL after the newest acknowledged beat
// was *sent*, which is earlier than when it arrived. It outlives streams, as the lease does.
type leaseWatch struct {
	lock   sync.Mutex
	ttl    time.Duration
	sent   map[int64]time.Time
	newest time.Time
}

// granted takes a lease that runs from a call that was sent then; its stream counts beats anew.
func (w *leaseWatch) granted(ttl time.Duration, sent time.Time) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.ttl, w.newest, w.sent = ttl, sent, map[int64]time.Time{}
}

func (w *leaseWatch) sending(seq int64) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.sent[seq] = time.Now()
}

func (w *leaseWatch) acknowledged(seq int64) {
	w.lock.Lock()
	defer w.lock.Unlock()
	for known, at := range w.sent {
		if known <= seq {
			if at.After(w.newest) {
				w.newest = at
			}
			delete(w.sent, known)
		}
	}
}

func (w *leaseWatch) lost() bool {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.ttl > 0 && time.Since(w.newest) >= w.ttl
}
