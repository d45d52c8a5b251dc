// Checks a ledger's public files with golang.org/x/mod/sumdb, which Go's own checksum database is read with.
//
// Of every checkpoint: the ledger's Ed25519 signature and both custodians' Ed25519 cosignatures. Of every tree: that its
// tiles hash to its root, that its entries are its leaves, and that proofs made here and proofs made by us are the same
// and hold. ML-DSA-44 is not in Go 1.19: its lines are among those of unknown keys, which a verifier ignores.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type facts struct {
	Log       []string
	Witnesses [][]string
	Sizes     []int64
	Inclusion []struct {
		Index, Size int64
		Proof       [][]byte
	}
	Consistency []struct {
		Old, New int64
		Proof    [][]byte
	}
}

func main() {
	log.SetFlags(0)
	if err := check(os.Args[1]); err != nil {
		log.Fatal("check_ledger.go: ", err)
	}
}

func check(folder string) error {
	data, err := os.ReadFile(filepath.Join(folder, "interop.json"))
	if err != nil {
		return err
	}
	var known facts
	if err := json.Unmarshal(data, &known); err != nil {
		return err
	}
	verifiers, err := verifiersOf(known)
	if err != nil {
		return err
	}
	trees := map[int64]tlog.Tree{}
	for _, size := range known.Sizes {
		if trees[size], err = checkpoint(folder, size, verifiers); err != nil {
			return fmt.Errorf("checkpoint %d: %w", size, err)
		}
		if err := entries(folder, trees[size]); err != nil {
			return fmt.Errorf("entries of %d: %w", size, err)
		}
	}
	for _, one := range known.Inclusion {
		if err := inclusion(folder, trees[one.Size], one.Index, hashes(one.Proof)); err != nil {
			return fmt.Errorf("inclusion of %d in %d: %w", one.Index, one.Size, err)
		}
	}
	for _, one := range known.Consistency {
		if err := consistency(folder, trees[one.Old], trees[one.New], hashes(one.Proof)); err != nil {
			return fmt.Errorf("consistency of %d with %d: %w", one.Old, one.New, err)
		}
	}
	if len(known.Sizes) == 0 || len(known.Inclusion) == 0 || len(known.Consistency) == 0 {
		return errors.New("nothing to check")
	}
	fmt.Printf("golang.org/x/mod/sumdb: %d checkpoints, %d inclusion and %d consistency proofs hold\n",
		len(known.Sizes), len(known.Inclusion), len(known.Consistency))
	return nil
}

// verifiersOf gives the three Ed25519 keys: the ledger's by the package itself, the custodians' by cosigner.
func verifiersOf(known facts) ([]note.Verifier, error) {
	ledger, err := note.NewVerifier(known.Log[0])
	if err != nil {
		return nil, err
	}
	verifiers := []note.Verifier{ledger}
	for _, keys := range known.Witnesses {
		witness, err := newCosigner(keys[0])
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, witness)
	}
	if len(verifiers) != 3 {
		return nil, errors.New("not two witnesses")
	}
	return verifiers, nil
}

func checkpoint(folder string, size int64, verifiers []note.Verifier) (tlog.Tree, error) {
	data, err := os.ReadFile(filepath.Join(folder, "checkpoints", strconv.FormatInt(size, 10)))
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(data, note.VerifierList(verifiers...))
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(opened.Sigs) != 3 || len(opened.UnverifiedSigs) != 3 {
		return tlog.Tree{}, fmt.Errorf("%d signatures verify, %d are of unknown keys", len(opened.Sigs), len(opened.UnverifiedSigs))
	}
	forged := bytes.Replace(data, []byte("\n"+strconv.FormatInt(size, 10)+"\n"), []byte("\n9\n"), 1)
	if _, err := note.Open(forged, note.VerifierList(verifiers...)); err == nil {
		return tlog.Tree{}, errors.New("another size under the same signatures is accepted")
	}
	lines := strings.Split(opened.Text, "\n")
	root, err := tlog.ParseHash(lines[2])
	if err != nil || len(lines) != 4 || lines[0] != verifiers[0].Name() || lines[1] != strconv.FormatInt(size, 10) {
		return tlog.Tree{}, fmt.Errorf("not the text of this checkpoint: %q", opened.Text)
	}
	return tlog.Tree{N: size, Hash: root}, nil
}

// cosigner verifies kind 0x04 of C2SP tlog-cosignature, which the package leaves to others.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosigner(vkey string) (*cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	typed, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(typed) != 1+ed25519.PublicKeySize || typed[0] != 0x04 {
		return nil, errors.New("not an Ed25519 cosigner's key")
	}
	digest := sha256.Sum256(append([]byte(parts[0]+"\n"), typed...))
	if fmt.Sprintf("%x", digest[:4]) != parts[1] {
		return nil, errors.New("not the key's identifier")
	}
	return &cosigner{parts[0], binary.BigEndian.Uint32(digest[:4]), typed[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	moment := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", moment, text)
	return ed25519.Verify(c.key, []byte(message), signature[8:])
}

// files reads tiles under their C2SP paths, which leave out the height.
type files string

func (files) Height() int                         { return 8 }
func (files) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (folder files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(tiles))
	for index, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(folder), strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		read[index] = data
	}
	return read, nil
}

// entries checks that what the bundles hold are the leaves of the tree, for its first and last 600.
func entries(folder string, tree tlog.Tree) error {
	reader := tlog.TileHashReader(tree, files(folder))
	for index := int64(0); index < tree.N; index++ {
		if index == 600 && tree.N > 1200 {
			index = tree.N - 600
		}
		entry, err := entryAt(folder, index, tree.N)
		if err != nil {
			return err
		}
		found, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return err
		}
		if found[0] != tlog.RecordHash(entry) {
			return fmt.Errorf("entry %d is not its leaf", index)
		}
	}
	return nil
}

func entryAt(folder string, index, size int64) ([]byte, error) {
	tile := tlog.Tile{H: 8, L: -1, N: index / 256, W: 256}
	if last := size - tile.N*256; last < 256 {
		tile.W = int(last)
	}
	path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(folder, path))
	if err != nil {
		return nil, err
	}
	for at := index % 256; at > 0; at-- {
		data = data[2+int(binary.BigEndian.Uint16(data)):]
	}
	return data[2 : 2+int(binary.BigEndian.Uint16(data))], nil
}

func inclusion(folder string, tree tlog.Tree, index int64, ours []tlog.Hash) error {
	theirs, err := tlog.ProveRecord(tree.N, index, tlog.TileHashReader(tree, files(folder)))
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(ours, []tlog.Hash(theirs)) {
		return errors.New("the two proofs differ")
	}
	entry, err := entryAt(folder, index, tree.N)
	if err != nil {
		return err
	}
	if tlog.CheckRecord(ours, tree.N, tree.Hash, index, tlog.RecordHash([]byte("another"))) == nil {
		return errors.New("another entry is accepted")
	}
	return tlog.CheckRecord(ours, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func consistency(folder string, old, tree tlog.Tree, ours []tlog.Hash) error {
	theirs, err := tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, files(folder)))
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(ours, []tlog.Hash(theirs)) {
		return errors.New("the two proofs differ")
	}
	if tlog.CheckTree(ours, tree.N, tree.Hash, old.N, tlog.RecordHash([]byte("another"))) == nil {
		return errors.New("another old root is accepted")
	}
	return tlog.CheckTree(ours, tree.N, tree.Hash, old.N, old.Hash)
}

func hashes(proof [][]byte) []tlog.Hash {
	found := []tlog.Hash{}
	for _, node := range proof {
		var hash tlog.Hash
		if copy(hash[:], node) != len(node) || len(node) != tlog.HashSize {
			log.Fatal("a node that is no hash")
		}
		found = append(found, hash)
	}
	return found
}
