package lab

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the width of the white margin around a QR code, in modules (ISO/IEC 18004,
// section 6.3.8).
const quiet = 4

// qrCode is a QR code for an SVG element, which needs no image file.
type qrCode struct {
	Size int    // modules in a row, with the margin
	Path string // the black modules
}

// newQRCode returns the text's QR code.
func newQRCode(text string) (qrCode, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return qrCode{}, fmt.Errorf("making a QR code: %w", err)
	}
	var path strings.Builder
	size := code.Bounds().Dx()
	for y := range size {
		for x := 0; x < size; x++ {
			run := 0
			for x+run < size && code.At(x+run, y) == color.Black {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return qrCode{size + 2*quiet, path.String()}, nil
}
