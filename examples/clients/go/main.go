// An agent of the Phoenix DMA Runtime in Go: it registers, beats, works on tasks and takes them over.
//
//	agent <participant id>      work until killed
//	agent vectors <folder>      check the hashes and ids of tests/vectors
//
// The runtime's address and the enrolment credential come from the profile that `phoenix-dma up` or
// `phoenix-dma enrol` wrote: $PHOENIX_DMA_PROFILE, else ~/.config/phoenix-dma/profile.toml.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	pb "phoenix-dma.example/agent/gen/phoenix_dma/v1"
)

const owner = "data-governance"

// What the runtime may answer; gRPC would take half of it.
const largestMessage = 8 << 20

func main() {
	log.SetFlags(0)
	if len(os.Args) == 3 && os.Args[1] == "vectors" {
		checkVectors(os.Args[2])
		return
	}
	if len(os.Args) != 2 {
		log.Fatal("usage: agent <participant id> | agent vectors <folder>")
	}
	profile := readProfile()
	// TLS is for addresses beyond this machine: credentials.NewTLS(nil) in place of insecure.
	connection, err := grpc.NewClient(profile.address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestMessage)))
	if err != nil {
		log.Fatal(err)
	}
	agent := &Agent{
		id:         os.Args[1],
		credential: &Credential{identity: pb.NewIdentityServiceClient(connection), enrolment: profile.enrolment, participant: os.Args[1]},
		registry:   pb.NewRegistryServiceClient(connection),
		sessions:   pb.NewSessionServiceClient(connection),
		tasks:      pb.NewAssignmentServiceClient(connection),
		handoffs:   pb.NewHandoffServiceClient(connection),
		state:      pb.NewStateServiceClient(connection),
		running:    map[string]*Running{},
	}
	go agent.watchLease()
	agent.stayAttached(context.Background())
}

// Agent is one participant: its identity, the services that it calls, and the tasks that it holds.
type Agent struct {
	id         string
	generation int64
	credential *Credential
	registry   pb.RegistryServiceClient
	sessions   pb.SessionServiceClient
	tasks      pb.AssignmentServiceClient
	handoffs   pb.HandoffServiceClient
	state      pb.StateServiceClient

	lease   leaseWatch
	lock    sync.Mutex
	running map[string]*Running
}

// register makes the participant known, or known again: its claims go up, a generation comes down.
func (a *Agent) register(ctx context.Context) error {
	asked := time.Now()
	answer, err := a.registry.RegisterParticipant(a.authorized(ctx), &pb.RegisterParticipantRequest{
		Participant: &pb.ParticipantDeclaration{
			Id:           a.id,
			Type:         "agent",
			Owner:        owner,
			Capabilities: []string{"duplicate_detection"},
			Permissions:  []string{"read_customer_master", "suggest_merge"},
			DataDomains:  []string{"customer"},
		},
	})
	if err != nil {
		return err
	}
	a.generation = answer.Participant.Generation
	a.lease.granted(answer.LeaseTtl.AsDuration(), asked)
	say("registered %s generation %d", a.id, a.generation)
	return nil
}

// authorized puts the credential into the metadata key "authorization", where every call has it.
func (a *Agent) authorized(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+a.credential.token(ctx))
}

// Credential is a short-lived token, renewed after half of its life.
type Credential struct {
	identity    pb.IdentityServiceClient
	enrolment   string
	participant string

	lock   sync.Mutex
	value  string
	renews time.Time
	lapses time.Time
}

func (c *Credential) token(ctx context.Context) string {
	c.lock.Lock()
	defer c.lock.Unlock()
	for time.Now().After(c.renews) {
		if err := c.renew(ctx); err == nil {
			break
		} else if time.Now().Before(c.lapses) {
			break // the present one still holds; the next call tries again
		} else {
			log.Printf("no credential: %v", err)
			time.Sleep(time.Second)
		}
	}
	return c.value
}

func (c *Credential) renew(ctx context.Context) error {
	if time.Now().Before(c.lapses) {
		bearer := metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.value)
		if answer, err := c.identity.RenewCredential(bearer, &pb.RenewCredentialRequest{}); err == nil {
			c.take(answer.Credential, answer.ExpireTime.AsTime())
			return nil
		}
	}
	bearer := metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.enrolment)
	answer, err := c.identity.Enrol(bearer, &pb.EnrolRequest{ParticipantId: c.participant, Owner: owner})
	if err != nil {
		return err
	}
	c.take(answer.Credential, answer.ExpireTime.AsTime())
	return nil
}

func (c *Credential) take(value string, lapses time.Time) {
	c.value, c.lapses = value, lapses
	c.renews = time.Now().Add(time.Until(lapses) / 2)
}

type profile struct{ address, enrolment string }

// readProfile reads the entries that an agent needs; a TOML library reads the rest as well. The
// profile of one identity follows another one, which has the addresses.
func readProfile() profile {
	path := os.Getenv("PHOENIX_DMA_PROFILE")
	if path == "" {
		home, _ := os.UserConfigDir()
		path = filepath.Join(home, "phoenix-dma", "profile.toml")
	}
	own := contentOf(path)
	addresses := own
	if follows := entryOf(own, "follows"); follows != "" {
		addresses = contentOf(beside(path, follows))
	}
	found := profile{
		address:   entryOf(addresses, "grpc"),
		enrolment: strings.TrimSpace(contentOf(beside(path, entryOf(own, "credential")))),
	}
	if found.address == "" {
		log.Fatalf("%s names no address", path)
	}
	return found
}

func entryOf(text, name string) string {
	found := regexp.MustCompile(`(?m)^` + name + `\s*=\s*"(.*)"`).FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1]
}

func beside(path, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(path), name)
}

func contentOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatalf("%v; is there a runtime? phoenix-dma up starts one", err)
	}
	return string(text)
}

// say prints one line for people, and for the play that starts and kills agents.
func say(format string, arguments ...any) { fmt.Printf(format+"\n", arguments...) }
