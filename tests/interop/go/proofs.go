package main

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	proofHeader       = "c2sp.org/tlog-proof@v1"
	forkHeader        = "rochdale/fork-evidence@v1"
	evidenceBytesMax  = 4096
	evidenceParts     = 5
	consistencyPrefix = "old "
)

var errMalformed = errors.New("malformed file")

// checkProof checks a .tlog-proof for the entry in Beside.
func checkProof(asked question) ([]string, error) {
	lines, raw, err := splitFile(asked.Raw, proofHeader)
	if err != nil {
		return nil, err
	}
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return nil, errMalformed
	}
	index, err := parseNumber(lines[0][len("index "):])
	if err != nil {
		return nil, err
	}
	hashes, err := parseHashes(lines[1:])
	if err != nil {
		return nil, err
	}
	found, err := openHead(raw, asked.Keys)
	if err != nil {
		return nil, err
	}
	leaf := tlog.RecordHash(asked.Beside)
	return found.signers, tlog.CheckRecord(hashes, found.tree.N, found.tree.Hash, index, leaf)
}

// checkConsistency checks the body of an add-checkpoint request against the older checkpoint in Beside.
func checkConsistency(asked question) ([]string, error) {
	older, err := openHead(asked.Beside, asked.Keys)
	if err != nil {
		return nil, err
	}
	lines, raw, err := splitFile(asked.Raw, consistencyPrefix+strconv.FormatInt(older.tree.N, 10))
	if err != nil {
		return nil, err
	}
	hashes, err := parseHashes(lines)
	if err != nil {
		return nil, err
	}
	newer, err := openHead(raw, asked.Keys)
	if err != nil {
		return nil, err
	}
	if older.origin != newer.origin {
		return nil, errors.New("two logs")
	}
	return newer.signers, tlog.CheckTree(hashes, newer.tree.N, newer.tree.Hash, older.tree.N, older.tree.Hash)
}

// checkFork checks evidence that a log was signed on two branches. With two sizes the first hash is the root that the
// longer branch had at the shorter size, the others are the consistency proof from there.
func checkFork(asked question) ([]string, error) {
	parts := bytes.Split(asked.Raw, []byte("\n\n"))
	if len(asked.Raw) > evidenceBytesMax || len(parts) != evidenceParts {
		return nil, errMalformed
	}
	lines := strings.Split(string(parts[0]), "\n")
	if lines[0] != forkHeader {
		return nil, errMalformed
	}
	hashes, err := parseHashes(lines[1:])
	if err != nil {
		return nil, err
	}
	shorter, err := openHead(joinNote(parts[1], parts[2], "\n"), asked.Keys)
	if err != nil {
		return nil, err
	}
	longer, err := openHead(joinNote(parts[3], parts[4], ""), asked.Keys)
	if err != nil {
		return nil, err
	}
	return longer.signers, judgeBranches(shorter, longer, hashes)
}

func judgeBranches(shorter, longer *head, hashes []tlog.Hash) error {
	if shorter.origin != longer.origin || shorter.tree.N > longer.tree.N {
		return errors.New("fork: two logs, or the longer head first")
	}
	if shorter.tree.N == longer.tree.N {
		if len(hashes) != 0 || shorter.tree.Hash == longer.tree.Hash {
			return errors.New("fork: two notes of one head")
		}
		return nil
	}
	if len(hashes) == 0 || hashes[0] == shorter.tree.Hash {
		return errors.New("fork: the longer head begins with the shorter")
	}
	return tlog.CheckTree(hashes[1:], longer.tree.N, longer.tree.Hash, shorter.tree.N, hashes[0])
}

func joinNote(text, signatures []byte, end string) []byte {
	return []byte(string(text) + "\n\n" + string(signatures) + end)
}

// splitFile gives the lines between the first one, which must be as wanted, and the empty one, and the note below.
func splitFile(raw []byte, first string) ([]string, []byte, error) {
	above, below, found := bytes.Cut(raw, []byte("\n\n"))
	lines := strings.Split(string(above), "\n")
	if !found || lines[0] != first {
		return nil, nil, errMalformed
	}
	return lines[1:], below, nil
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, line := range lines {
		hash, err := parseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

func parseNumber(text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(number, 10) != text {
		return 0, errMalformed
	}
	return number, nil
}
