package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gowebpki/jcs"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

// contentHash is "sha256:" and the SHA-256 of the canonical form (RFC 8785) of a JSON object.
func contentHash(document *structpb.Struct) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(canonical(document)))
}

func canonical(document *structpb.Struct) []byte {
	if document == nil {
		return []byte("{}")
	}
	text, err := protojson.Marshal(document)
	if err != nil {
		log.Fatal(err)
	}
	form, err := jcs.Transform(text)
	if err != nil {
		log.Fatal(err)
	}
	return form
}

var identifier = regexp.MustCompile(`^[a-z0-9._-]{1,128}$`)

func isIdentifier(text string) bool {
	return identifier.MatchString(text) && !strings.Contains(text, "..")
}

// checkVectors compares this program with tests/vectors, as every client of this folder does.
func checkVectors(folder string) {
	var hashes struct {
		Vectors []struct{ Name, Input, Canonical, Hash string }
	}
	var ids struct {
		Valid   []string
		Invalid []struct{ ID, Why string }
	}
	read(filepath.Join(folder, "canonical_json.json"), &hashes)
	read(filepath.Join(folder, "ids.json"), &ids)
	for _, one := range hashes.Vectors {
		document := &structpb.Struct{}
		if err := protojson.Unmarshal([]byte(one.Input), document); err != nil {
			log.Fatalf("%s: %v", one.Name, err)
		}
		if form := string(canonical(document)); form != one.Canonical {
			log.Fatalf("%s: %s is not %s", one.Name, form, one.Canonical)
		}
		if contentHash(document) != one.Hash {
			log.Fatalf("%s: the hash differs", one.Name)
		}
	}
	for _, id := range ids.Valid {
		if !isIdentifier(id) {
			log.Fatalf("%q is an id", id)
		}
	}
	for _, one := range ids.Invalid {
		if isIdentifier(one.ID) {
			log.Fatalf("%q is no id: %s", one.ID, one.Why)
		}
	}
	say("vectors %d", len(hashes.Vectors)+len(ids.Valid)+len(ids.Invalid))
}

func read(path string, into any) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		log.Fatal(err)
	}
}
