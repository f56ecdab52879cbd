package main

import (
	"context"
	"log"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	pb "phoenix-dma.example/agent/gen/phoenix_dma/v1"
)

// Running is a task that is being worked on under an epoch, until it is stopped.
type Running struct {
	epoch int64
	stop  context.CancelFunc
}

// carryOut does what a directive asks for, and acknowledges it.
func (a *Agent) carryOut(ctx context.Context, session *Session, directive *pb.Directive) {
	var err error
	switch directive.Action {
	case pb.DirectiveAction_DIRECTIVE_ACTION_START_TASK:
		err = a.start(ctx, directive.TaskId, directive.Epoch)
	case pb.DirectiveAction_DIRECTIVE_ACTION_RECEIVE_HANDOFF:
		err = a.takeOver(ctx, directive)
	case pb.DirectiveAction_DIRECTIVE_ACTION_STOP_TASK:
		a.stop(directive.TaskId, directive.Epoch)
	}
	// A checkpoint is asked for: this agent makes one after each step anyway. Decisions of humans,
	// draining and registering again are left out here; docs/any-language.md has them.
	failure := ""
	if err != nil {
		failure = err.Error()
		log.Printf("%v %s: %v", directive.Action, directive.TaskId, err)
	}
	session.acknowledge(directive, failure)
}

// start begins an attempt; the answer is everything that the work needs.
func (a *Agent) start(ctx context.Context, taskID string, epoch int64) error {
	answer, err := a.tasks.StartTask(a.authorized(ctx), &pb.StartTaskRequest{TaskId: taskID, Epoch: epoch})
	if err != nil {
		return err
	}
	return a.begin(ctx, answer.Briefing)
}

// resume takes up what this participant still holds after it came back, page by page. What is being
// worked on already goes on; what is on no page is not ours any more.
func (a *Agent) resume(ctx context.Context) {
	before := a.working()
	request := &pb.ResumeTasksRequest{Generation: a.generation}
	for {
		answer, err := a.tasks.ResumeTasks(a.authorized(ctx), request)
		if err != nil {
			log.Printf("not resumed: %v", err)
			return
		}
		for _, briefing := range answer.Briefings {
			delete(before, briefing.Task.TaskId)
			switch task := briefing.Task; task.Status {
			case pb.TaskStatus_TASK_STATUS_ACTIVE:
				err = a.begin(ctx, briefing)
			case pb.TaskStatus_TASK_STATUS_ASSIGNED:
				err = a.start(ctx, task.TaskId, task.Assignment.Epoch)
			}
			if err != nil {
				log.Printf("%s: %v", briefing.Task.TaskId, err)
			}
		}
		if answer.NextPageToken == "" {
			break
		}
		request.PageToken = answer.NextPageToken
	}
	for taskID, epoch := range before {
		a.stop(taskID, epoch)
	}
}

// takeOver reads the context on offer, proves that it arrived, and becomes the owner of its task.
func (a *Agent) takeOver(ctx context.Context, offer *pb.Directive) error {
	context, err := a.state.GetContext(a.authorized(ctx), &pb.GetContextRequest{
		ContextRef: "phoenix://context/" + offer.TaskId, OfferId: offer.OfferId,
	})
	if err != nil {
		return err
	}
	task, err := a.tasks.GetTask(a.authorized(ctx), &pb.GetTaskRequest{TaskId: offer.TaskId})
	if err != nil {
		return err
	}
	request := &pb.CompleteHandoffRequest{
		HandoffId: offer.HandoffId, OfferId: offer.OfferId, ReceivedHash: contentHash(context.Context),
	}
	for _, obligation := range task.Task.Obligations {
		if !obligation.Fulfilled {
			request.AcceptedObligations = append(request.AcceptedObligations, obligation.Id)
		}
	}
	answer, err := a.handoffs.CompleteHandoff(a.authorized(ctx), request)
	if err != nil {
		return err
	}
	a.work(ctx, "took over", answer.Briefing, context.Context)
	return nil
}

// begin works on a task from its newest context, which at version 0 is the input.
func (a *Agent) begin(ctx context.Context, briefing *pb.TaskBriefing) error {
	known := &structpb.Struct{}
	if briefing.Context.GetVersion() > 0 {
		answer, err := a.state.GetContext(a.authorized(ctx), &pb.GetContextRequest{ContextRef: briefing.Task.ContextRef})
		if err != nil {
			return err
		}
		known = answer.Context
	}
	a.work(ctx, "started", briefing, known)
	return nil
}

// work runs the steps in the background, until they are done or the task is stopped. A task that is
// at work already is left alone: a directive may come twice, and resume names what goes on.
func (a *Agent) work(parent context.Context, how string, briefing *pb.TaskBriefing, known *structpb.Struct) {
	ctx, stop := context.WithCancel(parent)
	task := briefing.Task
	if !a.hold(task.TaskId, &Running{epoch: task.Assignment.Epoch, stop: stop}) {
		stop()
		return
	}
	say("%s %s epoch %d", how, task.TaskId, task.Assignment.Epoch)
	go func() {
		defer a.stop(task.TaskId, task.Assignment.Epoch)
		err := a.steps(ctx, briefing, known)
		if reasonOf(err) == "STALE_ASSIGNMENT" { // stop, never retry
			log.Printf("%s is not ours any more: %v", task.TaskId, err)
		} else if err != nil && ctx.Err() == nil {
			request := &pb.FailTaskRequest{TaskId: task.TaskId, Epoch: task.Assignment.Epoch, Message: err.Error(), Retryable: true}
			_, err = a.tasks.FailTask(a.authorized(ctx), request)
			log.Printf("%s failed: %v", task.TaskId, err)
		}
	}()
}

// reasonOf answers why the runtime refused: docs/errors.md has the reasons, several to a gRPC code.
func reasonOf(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, found := detail.(*errdetails.ErrorInfo); found {
			return info.Reason
		}
	}
	return ""
}

// steps does what is left of the task: each step is written down with the language that did it.
func (a *Agent) steps(ctx context.Context, briefing *pb.TaskBriefing, known *structpb.Struct) error {
	task, input := briefing.Task, briefing.Input.AsMap()
	outputs, _ := known.AsMap()["outputs"].(map[string]any)
	done, _ := outputs["done"].([]any)
	version := briefing.Context.GetVersion()
	total, _ := input["steps"].(float64)
	for len(done) < int(total) {
		time.Sleep(50 * time.Millisecond) // the work itself
		done = append(done, "go")
		document, err := structpb.NewStruct(map[string]any{
			"objective": task.Objective, "inputs": input, "outputs": map[string]any{"done": done},
		})
		if err != nil {
			return err
		}
		answer, err := a.state.CheckpointContext(a.authorized(ctx), &pb.CheckpointContextRequest{
			TaskId: task.TaskId, Epoch: task.Assignment.Epoch, BaseVersion: version, Context: document,
		})
		if err != nil {
			return err
		}
		version = answer.Checkpoint.Version
		say("checkpointed %d", len(done))
		if pauses(input["pause_after"], len(done)) {
			<-ctx.Done() // the play kills this agent here
			return ctx.Err()
		}
	}
	result, err := structpb.NewStruct(map[string]any{"done": done})
	if err != nil {
		return err
	}
	_, err = a.tasks.CompleteTask(a.authorized(ctx), &pb.CompleteTaskRequest{
		TaskId: task.TaskId, Epoch: task.Assignment.Epoch, Result: result,
	})
	if err == nil {
		say("completed %s", task.TaskId)
	}
	return err
}

func pauses(steps any, step int) bool {
	listed, _ := steps.([]any)
	for _, one := range listed {
		if one == float64(step) {
			return true
		}
	}
	return false
}

// hold takes a task up, in place of an older epoch; answers false where it is at work already.
func (a *Agent) hold(taskID string, one *Running) bool {
	a.lock.Lock()
	defer a.lock.Unlock()
	if known := a.running[taskID]; known != nil {
		if known.epoch >= one.epoch {
			return false
		}
		known.stop()
	}
	a.running[taskID] = one
	return true
}

// working answers the epoch of each task that is at work.
func (a *Agent) working() map[string]int64 {
	a.lock.Lock()
	defer a.lock.Unlock()
	epochs := map[string]int64{}
	for taskID, one := range a.running {
		epochs[taskID] = one.epoch
	}
	return epochs
}

// stop ends the work on a task that is not ours any more under this epoch.
func (a *Agent) stop(taskID string, epoch int64) {
	a.lock.Lock()
	defer a.lock.Unlock()
	if one := a.running[taskID]; one != nil && one.epoch <= epoch {
		one.stop()
		delete(a.running, taskID)
	}
}

// stopAll ends the work on everything, and answers how much that was.
func (a *Agent) stopAll() int {
	a.lock.Lock()
	defer a.lock.Unlock()
	stopped := len(a.running)
	for id, one := range a.running {
		one.stop()
		delete(a.running, id)
	}
	return stopped
}
