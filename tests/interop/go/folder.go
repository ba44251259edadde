package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	proofsMade = 7
)

// checkFolder checks a log that lies in a folder as c2sp.org/tlog-tiles has it: the root from the entries, every tile
// from the entries, and proofs from the tiles alone.
func checkFolder(asked question) ([]string, error) {
	raw, err := os.ReadFile(filepath.Join(asked.Folder, "checkpoint"))
	if err != nil {
		return nil, err
	}
	found, err := openHead(raw, asked.Keys)
	if err != nil {
		return nil, err
	}
	entries, err := readEntries(asked.Folder, found.tree.N)
	if err != nil {
		return nil, err
	}
	stored, err := hashEntries(entries)
	if err != nil {
		return nil, err
	}
	root, err := treeHash(found.tree.N, stored)
	if err != nil {
		return nil, err
	}
	if root != found.tree.Hash {
		return nil, fmt.Errorf("the entries lead to root %v, the checkpoint says %v", root, found.tree.Hash)
	}
	if err := checkTiles(asked.Folder, found.tree.N, stored); err != nil {
		return nil, err
	}
	return found.signers, proveFromTiles(asked.Folder, found.tree, entries)
}

// readEntries reads the entry bundles: each entry after its length in two bytes, big end first.
func readEntries(folder string, size int64) ([][]byte, error) {
	var entries [][]byte
	for start := int64(0); start < size; start += tileWidth {
		tile := tlog.Tile{H: tileHeight, L: -1, N: start / tileWidth, W: tileWidth}
		if size-start < tileWidth {
			tile.W = int(size - start)
		}
		rest, err := os.ReadFile(filepath.Join(folder, tilePath(tile)))
		if err != nil {
			return nil, err
		}
		for place := 0; place < tile.W; place++ {
			if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
				return nil, fmt.Errorf("%s: entry %d is cut off", tilePath(tile), place)
			}
			end := 2 + int(binary.BigEndian.Uint16(rest))
			entries = append(entries, rest[2:end])
			rest = rest[end:]
		}
		if len(rest) != 0 {
			return nil, fmt.Errorf("%s: bytes after the last entry", tilePath(tile))
		}
	}
	return entries, nil
}

// storedHashes are the hashes of a tree in the order in which tlog numbers them.
type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("no hash is stored as number %d", index)
		}
		hashes = append(hashes, s[index])
	}
	return hashes, nil
}

func hashEntries(entries [][]byte) (storedHashes, error) {
	var stored storedHashes
	for number, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(number), entry, stored)
		if err != nil {
			return nil, err
		}
		stored = append(stored, hashes...)
	}
	return stored, nil
}

func checkTiles(folder string, size int64, stored storedHashes) error {
	tiles := tlog.NewTiles(tileHeight, 0, size)
	for place, tile := range tiles {
		// tlog lists a partial tile at every width that it has gone through; only the widest has to be there.
		if place+1 < len(tiles) && tiles[place+1].L == tile.L && tiles[place+1].N == tile.N {
			continue
		}
		wanted, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return err
		}
		raw, err := os.ReadFile(filepath.Join(folder, tilePath(tile)))
		if err != nil {
			return err
		}
		if !bytes.Equal(raw, wanted) {
			return fmt.Errorf("%s: other hashes than those of the entries", tilePath(tile))
		}
	}
	return nil
}

// tilePath is the path of c2sp.org/tlog-tiles: Tile.Path without the height, `entries` for `data`.
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), "tile/8/")
	if rest := strings.TrimPrefix(path, "data/"); rest != path {
		path = "entries/" + rest
	}
	return "tile/" + path
}

// A tileFolder is a tlog.TileReader over plain files.
type tileFolder string

func (f tileFolder) Height() int                     { return tileHeight }
func (f tileFolder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f tileFolder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		raw, err := os.ReadFile(filepath.Join(string(f), tilePath(tile)))
		if err != nil {
			return nil, err
		}
		found = append(found, raw)
	}
	return found, nil
}

// proveFromTiles has tlog make inclusion proofs from the tiles, which it authenticates against the root on the way,
// and checks them.
func proveFromTiles(folder string, tree tlog.Tree, entries [][]byte) error {
	if tree.N == 0 {
		return nil
	}
	reader := tlog.TileHashReader(tree, tileFolder(folder))
	for turn := int64(0); turn <= proofsMade; turn++ {
		index := turn * (tree.N - 1) / proofsMade
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash(entries[index])
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return err
		}
	}
	return nil
}
