package account

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"glassjar/utl/db"
)

const (
	// fewNames is the count at which narrowest stops counting a condition's usernames.
	fewNames = 2000
	// someNames is how many usernames one step examines: more than a page has. It is
	// also the number of placeholders in the statement of a step.
	someNames = 128
)

// People returns the people who match the query, ordered by username: at most
// PeoplePage, plus one if more follow. Errors: db.ErrUnavailable.
//
// It reads the usernames that match the query's most selective condition, in steps,
// and filters each step by the other conditions. As one statement planned by the
// database, some queries took 112 ms (PostgreSQL) and 175 ms (SQLite) with 100,000
// accounts; see BenchmarkManyPeople.
func (s *Store) People(ctx context.Context, q Query) (found []Person, err error) {
	for _, one := range q.readings() {
		some, err := s.read(ctx, one)
		if err != nil {
			return nil, fmt.Errorf("looking people up: %w", err)
		}
		found = append(found, some...)
	}
	slices.SortStableFunc(found, func(a, b Person) int { return strings.Compare(a.Username, b.Username) })
	found = slices.CompactFunc(found, func(a, b Person) bool { return a.Username == b.Username })
	return found[:min(len(found), PeoplePage+1)], nil
}

// read returns the people who match one reading of a query.
func (s *Store) read(ctx context.Context, q Query) (found []Person, err error) {
	names, err := s.narrowest(ctx, q)
	if err == nil && names.isWords() { // a word that most people have fills a page in two steps; sorting all its names takes 80 ms
		found, err = s.through(ctx, q, everybody, 2)
	}
	if err == nil && len(found) <= PeoplePage {
		found, err = s.through(ctx, q, names, math.MaxInt)
	}
	return found, err
}

// through returns the people who match the query among the names, examining at most
// this many steps of someNames each.
func (s *Store) through(ctx context.Context, q Query, names namesOf, steps int) (found []Person, err error) {
	after := q.After
	for range steps {
		some, err := names.next(ctx, s.DB, after)
		if err != nil || len(some) == 0 {
			return found, err
		}
		all, err := s.among(ctx, q, some, PeoplePage+1-len(found))
		if found = append(found, all...); err != nil || len(found) > PeoplePage {
			return found, err
		}
		after = some[len(some)-1]
	}
	return found, nil
}

// among returns the people with these usernames who match the query, at most n.
func (s *Store) among(ctx context.Context, q Query, names []string, n int) ([]Person, error) {
	where, args := q.where()
	all := make([]any, someNames, someNames+len(args)+1)
	for i := range all {
		all[i] = names[min(i, len(names)-1)]
	}
	return db.All(ctx, s.DB, scanPerson, selectPeople+` WHERE a.username IN (?`+strings.Repeat(`, ?`, someNames-1)+`)`+where+
		` ORDER BY a.username LIMIT ?`, append(append(all, args...), n)...)
}

// where returns the query's SQL condition on an account, and its arguments. It uses
// COUNT(*) > 0 because PostgreSQL turns EXISTS into a join with every row that the
// prefix matches.
func (q Query) where() (text string, args []any) {
	if q.Group != "" {
		text += ` AND (SELECT COUNT(*) FROM account_groups g WHERE g.group_name = ? AND g.username = a.username) > 0`
		args = append(args, q.Group)
	}
	for _, word := range q.words {
		text += ` AND (SELECT COUNT(*) FROM account_words w WHERE w.username = a.username AND w.word || '' >= ? AND w.word || '' < ?) > 0` // || '' makes it use the index on username, not that on word
		args = append(args, word, word+last)
	}
	if q.Role != "" {
		text += ` AND a.role = ?`
		args = append(args, q.Role)
	}
	switch q.State {
	case Active:
		text += ` AND a.disabled_at = 0`
	case Disabled:
		text += ` AND a.disabled_at <> 0 AND a.waiting_at = 0`
	case Waiting:
		text += ` AND a.waiting_at <> 0`
	}
	return text, args
}

// maxTyped is how many of the words that were typed are looked for. Each number of them
// makes another statement.
const maxTyped = 4

// readings returns the query once for each reading of what was typed: as the beginning of
// one word, such as an email address, and, if it is several words, as the beginning of each.
func (q Query) readings() []Query {
	typed := strings.ToLower(strings.TrimSpace(norm.NFC.String(q.Prefix)))
	if typed == "" {
		return []Query{q}
	}
	one, several := q, q
	one.words, several.words = []string{typed}, nameWords(typed)
	several.words = several.words[:min(len(several.words), maxTyped)]
	if len(several.words) == 0 || several.words[0] == typed {
		return []Query{one}
	}
	return []Query{one, several}
}

// last sorts after every character of a username.
const last = "\U0010FFFF"

// namesOf describes the usernames that match one condition of a query: those in the
// table's rows whose column has the value, or that meet the SQL condition, or whose
// word is in the range words[0] ≤ word < words[1].
type namesOf struct {
	table     string
	condition string
	column    string
	value     string
	words     [2]string
}

var everybody = namesOf{table: `accounts`, condition: `1 = 1`}

// parts returns the query's conditions, or everybody if it has none.
func (q Query) parts() (all []namesOf) {
	if q.State == Waiting {
		all = append(all, namesOf{table: `accounts`, condition: `waiting_at <> 0`})
	}
	if q.State == Disabled {
		all = append(all, namesOf{table: `accounts`, condition: `disabled_at <> 0`})
	}
	if q.Group != "" {
		all = append(all, namesOf{table: `account_groups`, column: `group_name`, value: q.Group})
	}
	if q.Role != "" {
		all = append(all, namesOf{table: `accounts`, column: `role`, value: q.Role})
	}
	for _, word := range q.words {
		all = append(all, namesOf{table: `account_words`, words: [2]string{word, word + last}})
	}
	if len(all) == 0 {
		all = append(all, everybody)
	}
	return all
}

// narrowest returns the query's condition that the fewest usernames match. It counts
// each only up to fewNames: if all match more, it returns the first.
func (s *Store) narrowest(ctx context.Context, q Query) (best namesOf, err error) {
	all := q.parts()
	if len(all) == 1 {
		return all[0], nil
	}
	least := int64(fewNames + 2)
	for _, part := range all {
		text, args := part.rows(q.After)
		n, err := db.One(ctx, s.DB, db.Int, `SELECT COUNT(*) FROM (SELECT username FROM `+text+` LIMIT ?) AS few`, append(args, fewNames+1)...)
		if err != nil {
			return best, err
		}
		if n < least {
			best, least = part, n
		}
	}
	if best.isWords() && len(q.words) > 1 && least > fewNames { // its names would be sorted for each of many steps
		best = everybody
	}
	return best, nil
}

// rows returns the SQL that selects the usernames after the given one, in the order
// of the condition's own index, and its arguments. The order is chosen so that no
// other index has it: else PostgreSQL may read all usernames in order, expecting many
// of them to match.
func (n namesOf) rows(after string) (text string, args []any) {
	switch {
	case n.isWords():
		return n.table + ` WHERE word >= ? AND word < ? AND username || '' > ? ORDER BY word`, []any{n.words[0], n.words[1], after}
	case n.column != "":
		both := `(` + n.column + `, username)`
		return n.table + ` WHERE ` + both + ` > (?, ?) AND ` + both + ` < (?, ?) ORDER BY ` + n.column + `, username`, []any{n.value, after, n.value, last}
	}
	return n.table + ` WHERE ` + n.condition + ` AND username > ? ORDER BY username`, []any{after}
}

// isWords reports whether the index of n is ordered by word and not by username.
func (n namesOf) isWords() bool { return n.words[0] != "" }

// next returns the usernames after the given one in their order, at most someNames;
// none means that no more follow.
func (n namesOf) next(ctx context.Context, from db.Querier, after string) ([]string, error) {
	rows := someNames
	text, args := n.rows(after)
	if n.isWords() { // sorted by username instead, in which one repeats for each of its words in the range
		text = strings.TrimSuffix(text, `word`) + `username || ''`
		rows *= maxWords + 2
	}
	names, err := db.All(ctx, from, db.Text, `SELECT username FROM `+text+` LIMIT ?`, append(args, rows)...)
	if err != nil {
		return nil, err
	}
	names = slices.Compact(names)
	return names[:min(len(names), someNames)], nil
}
