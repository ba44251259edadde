package main

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A head is an opened checkpoint, which its own log signed.
type head struct {
	origin  string
	tree    tlog.Tree
	signers []string
}

// openHead opens a checkpoint with known keys. tlog.ParseTree takes one fixed origin, so the three lines are read here.
func openHead(raw []byte, vkeys []string) (*head, error) {
	verifiers, err := parseKeys(vkeys)
	if err != nil {
		return nil, err
	}
	opened, err := note.Open(raw, verifiers)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return nil, errors.New("checkpoint: not three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return nil, errors.New("checkpoint: no size")
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return nil, err
	}
	found := &head{origin: lines[0], tree: tlog.Tree{N: size, Hash: root}}
	for _, signature := range opened.Sigs {
		found.signers = append(found.signers, signature.Name)
	}
	if len(found.signers) == 0 || !contains(found.signers, found.origin) {
		return nil, errors.New("checkpoint: not signed by its own log")
	}
	return found, nil
}

// parseHash is tlog.ParseHash for the one canonical spelling.
func parseHash(text string) (tlog.Hash, error) {
	hash, err := tlog.ParseHash(text)
	if err == nil && hash.String() != text {
		err = errors.New("hash: not canonical base64")
	}
	return hash, err
}

// treeHash is tlog.TreeHash with the empty tree of RFC 6962.
func treeHash(size int64, reader tlog.HashReader) (tlog.Hash, error) {
	if size == 0 {
		return sha256.Sum256(nil), nil
	}
	return tlog.TreeHash(size, reader)
}

func contains(names []string, wanted string) bool {
	for _, name := range names {
		if name == wanted {
			return true
		}
	}
	return false
}

func checkCheckpoint(asked question) ([]string, error) {
	found, err := openHead(asked.Raw, asked.Keys)
	if err != nil {
		return nil, err
	}
	return found.signers, nil
}
