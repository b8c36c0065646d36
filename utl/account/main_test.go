package account_test

import (
	"os"
	"testing"

	"glassjar/utl/db/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }
