package account

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"glassjar/utl/db"
)

const (
	// fewNames is up to how many names a part of a query has few of.
	fewNames = 2000
	// someNames is how many names are looked at in one step. It is more than a page,
	// and each text of a query has so many placeholders.
	someNames = 128
)

// People returns the people of the query, by username: at most PeoplePage, and
// one more when others follow. Errors: db.ErrUnavailable.
//
// It goes through the names of the part of the query that has the fewest, in
// their order, and keeps those that the other parts let through. A database that
// plans the whole query by itself took 112 ms (PostgreSQL) and 175 ms (SQLite) for
// some with 100,000 accounts; see BenchmarkManyPeople.
func (s *Store) People(ctx context.Context, q Query) (found []Person, err error) {
	names, err := s.narrowest(ctx, q)
	if err == nil && names.isWords() { // to sort the names of a word that most people have takes 80 ms
		found, err = s.through(ctx, q, everybody, 2)
	}
	if err == nil && len(found) <= PeoplePage {
		found, err = s.through(ctx, q, names, math.MaxInt)
	}
	if err != nil {
		return nil, fmt.Errorf("looking people up: %w", err)
	}
	return found, nil
}

// through returns the people of the query that it finds in so many steps through
// the names.
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

// among returns the people of the query who have the names: n at most.
func (s *Store) among(ctx context.Context, q Query, names []string, n int) ([]Person, error) {
	where, args := q.where()
	all := make([]any, someNames, someNames+len(args)+1)
	for i := range all {
		all[i] = names[min(i, len(names)-1)]
	}
	return db.All(ctx, s.DB, scanPerson, selectPeople+` WHERE a.username IN (?`+strings.Repeat(`, ?`, someNames-1)+`)`+where+
		` ORDER BY a.username LIMIT ?`, append(append(all, args...), n)...)
}

// where returns the query's condition on an account, and its arguments. It counts,
// where EXISTS would have PostgreSQL join: with all that a word begins.
func (q Query) where() (text string, args []any) {
	if q.Group != "" {
		text += ` AND (SELECT COUNT(*) FROM account_groups g WHERE g.group_name = ? AND g.username = a.username) > 0`
		args = append(args, q.Group)
	}
	if from, to := q.words(); from != "" {
		text += ` AND (SELECT COUNT(*) FROM account_words w WHERE w.username = a.username AND w.word || '' >= ? AND w.word || '' < ?) > 0` // by the name's index
		args = append(args, from, to)
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

// words returns the first word that begins with the prefix, and the word that
// follows the last; both are "" without a prefix.
func (q Query) words() (from, to string) {
	if from = strings.ToLower(strings.TrimSpace(q.Prefix)); from == "" {
		return "", ""
	}
	return from, from + last
}

// last follows every username.
const last = "\U0010FFFF"

// namesOf are the usernames that a part of a query has: those of the table's rows
// where the column has the value, or the condition holds, or a word lies between
// two.
type namesOf struct {
	table     string
	condition string
	column    string
	value     string
	words     [2]string
}

var everybody = namesOf{table: `accounts`, condition: `1 = 1`}

// parts returns what the query's names can be gone through by: everybody where
// nobody is left out.
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
	if from, to := q.words(); from != "" {
		all = append(all, namesOf{table: `account_words`, words: [2]string{from, to}})
	}
	if len(all) == 0 {
		all = append(all, everybody)
	}
	return all
}

// narrowest returns the part of the query with the fewest names. Of those that
// have more than fewNames, it returns the first.
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
	return best, nil
}

// rows returns the rows with the names that follow the one, in the order of the
// part's index, and the arguments. Another index cannot have them in this order:
// PostgreSQL would go through all names where it expects to meet the part's often.
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

// isWords reports whether the part's index has words in their order, not names.
func (n namesOf) isWords() bool { return n.words[0] != "" }

// next returns the names that follow the one, in their order: someNames at most;
// none means that these were all.
func (n namesOf) next(ctx context.Context, from db.Querier, after string) ([]string, error) {
	rows := someNames
	text, args := n.rows(after)
	if n.isWords() { // all of them have to be sorted, and a name comes once for each of its words
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
