// The allocator that scripts/bench/pairs.ts is measured against: a plain bitmap of 64-bit words over
// one subnet, and a map from owner to address. No pages, no families, no resting addresses, no store.
//
// Usage: bitmap pairs|first-free <addresses> <samples> <calls a sample>
// Prints the nanoseconds of one call, by sample, as a JSON array.
package main

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"time"
)

// block gives out the addresses of a subnet by their offset from its first one.
type block struct {
	words  []uint64
	size   uint32
	cursor uint32
	owners map[string]uint32
}

// newBlock withholds the network, the gateway and the broadcast address.
func newBlock(size uint32) *block {
	b := &block{words: make([]uint64, (size+63)/64), size: size, owners: map[string]uint32{}}
	for _, offset := range []uint32{0, 1, size - 1} {
		b.set(offset)
	}
	return b
}

func (b *block) set(offset uint32)   { b.words[offset/64] |= 1 << (offset % 64) }
func (b *block) clear(offset uint32) { b.words[offset/64] &^= 1 << (offset % 64) }

// nextFree is the first free offset at or behind from, or size.
func (b *block) nextFree(from uint32) uint32 {
	for at := from; at < b.size; at = (at/64 + 1) * 64 {
		if free := ^b.words[at/64] >> (at % 64); free != 0 {
			return at + uint32(bits.TrailingZeros64(free))
		}
	}
	return b.size
}

func (b *block) allocate(owner string) uint32 {
	offset := b.nextFree(b.cursor + 1)
	if offset >= b.size {
		offset = b.nextFree(0)
	}
	if offset >= b.size {
		panic("the block is full")
	}
	b.set(offset)
	b.owners[owner] = offset
	b.cursor = offset
	return offset
}

func (b *block) release(owner string) {
	offset, found := b.owners[owner]
	if !found {
		panic("no address of " + owner)
	}
	delete(b.owners, owner)
	b.clear(offset)
}

// pairs holds half of the addresses, and with each call gives one more and takes back any other.
func pairs(size uint32) func() {
	b := newBlock(size)
	held, idle := make([]string, size/2), make([]string, size/2)
	for i := range held {
		held[i], idle[i] = fmt.Sprintf("%064x", i), fmt.Sprintf("%064x", 1<<31|i)
		b.allocate(held[i])
	}
	state, next := uint32(1), 0
	return func() {
		b.allocate(idle[next])
		// A linear congruential generator: Numerical Recipes, section 7.1.
		state = state*1664525 + 1013904223
		any := uint64(state) * uint64(len(held)) >> 32
		b.release(held[any])
		held[any], idle[next] = idle[next], held[any]
		next = (next + 1) % len(idle)
	}
}

// firstFree searches from the start of a block whose first 99 % are taken.
func firstFree(size uint32) func() {
	b := newBlock(size)
	want := size * 99 / 100
	for offset := uint32(0); offset < want; offset++ {
		b.set(offset)
	}
	return func() {
		if b.nextFree(0) != want {
			panic("a wrong address")
		}
	}
}

func main() {
	works := map[string]func(uint32) func(){"pairs": pairs, "first-free": firstFree}
	call := works[os.Args[1]](uint32(number(2)))
	samples, calls := make([]float64, number(3)), number(4)
	for i := -len(samples) / 4; i < len(samples); i++ { // the first ones warm caches and are dropped
		start := time.Now()
		for range calls {
			call()
		}
		if i >= 0 {
			samples[i] = float64(time.Since(start).Nanoseconds()) / float64(calls)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(samples); err != nil {
		panic(err)
	}
}

func number(arg int) int {
	value, err := strconv.Atoi(os.Args[arg])
	if err != nil {
		panic(err)
	}
	return value
}
