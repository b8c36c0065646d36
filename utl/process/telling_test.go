package process

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"glassjar/utl/db"
)

var tries = flag.Int("tries", 1000, "how many sign-ins of a kind BenchmarkNoTelling compares")

// BenchmarkNoTelling compares how long failed sign-ins take for a name with an account,
// one without, and one whose account is disabled (with its right password), in random
// order, each name and each address once, so that every counter is 0.
func BenchmarkNoTelling(b *testing.B) { // Attack guessing/same-answers: times that do not differ measurably
	if b.N > 1 {
		b.Skip("once is enough")
	}
	p := start(b, b.TempDir())
	s := beside(b, p.folder)
	var known, disabled []string
	for i := range *tries {
		known = append(known, fmt.Sprintf("known-%d", i))
		disabled = append(disabled, fmt.Sprintf("disabled-%d", i))
	}
	s.add(known...)
	s.add(disabled...)
	err := s.db.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), `UPDATE accounts SET disabled_at = 1 WHERE username LIKE 'disabled-%'`)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	s.close()
	kinds := []struct{ name, password string }{{"known", other}, {"unknown", other}, {"disabled", good}}
	took := make([][]time.Duration, len(kinds))
	for i := range *tries {
		for _, k := range rand.Perm(len(kinds)) {
			person := newBrowser(p)
			person.address = fmt.Sprintf("10.%d.%d.%d", k, i>>8, i&255)
			a := person.signIn(b, fmt.Sprintf("%s-%d", kinds[k].name, i), kinds[k].password, http.StatusUnprocessableEntity)
			took[k] = append(took[k], a.took)
		}
	}
	reference := quantile(took[0], 0.5)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(reference), "known-ms")
	b.ReportMetric(float64(quantile(took[1], 0.5))/float64(reference), "unknown/known")
	b.ReportMetric(float64(quantile(took[2], 0.5))/float64(reference), "disabled/known")
}
