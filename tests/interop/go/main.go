// Auditcheck holds what a Rochdale log says against golang.org/x/mod/sumdb, code that nobody of this project wrote.
//
// It reads questions from standard input, one JSON object a line, and answers each with one line: who signed, and
// why it refuses, if it does.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// lineBytesMax bounds one question.
const lineBytesMax = 8 << 20

// A question names a check and what it needs. Keys are vkeys, the log's first; Raw is the file under test and Beside
// what it is held against (an older checkpoint, the entry of a proof). Folder holds a log as plain files.
type question struct {
	Check  string
	Keys   []string
	Folder string
	Raw    []byte
	Beside []byte
}

// An answer names the keys whose signatures were checked and found right, and says why a question is refused.
type answer struct {
	Signers []string `json:"signers"`
	Refused string   `json:"refused"`
}

var checks = map[string]func(question) ([]string, error){
	"checkpoint":  checkCheckpoint,
	"consistency": checkConsistency,
	"folder":      checkFolder,
	"fork":        checkFork,
	"proof":       checkProof,
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, lineBytesMax)
	answers := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(answers)
	for lines.Scan() {
		if err := encoder.Encode(reply(lines.Bytes())); err != nil {
			break
		}
		if err := answers.Flush(); err != nil {
			break
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func reply(line []byte) answer {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Refused: err.Error()}
	}
	check, known := checks[asked.Check]
	if !known {
		return answer{Refused: "no check is called " + asked.Check}
	}
	signers, err := check(asked)
	if err != nil {
		return answer{Refused: err.Error()}
	}
	return answer{Signers: signers}
}
