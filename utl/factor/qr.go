package factor

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/boombuler/barcode/qr"
)

const (
	quiet  = 4 // width of the white margin, in modules (the quiet zone of ISO/IEC 18004, section 6.3.8)
	pixels = 6 // width of a module, in pixels
)

// Picture returns the text's QR code as a PNG image, black on white, with the white
// margin that scanners need.
func Picture(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("making a QR code: %w", err)
	}
	size := code.Bounds().Dx() + 2*quiet
	picture := image.NewPaletted(image.Rect(0, 0, size*pixels, size*pixels), color.Palette{color.White, color.Black})
	for y := range size * pixels {
		for x := range size * pixels {
			if at := image.Pt(x/pixels-quiet, y/pixels-quiet); at.In(code.Bounds()) && code.At(at.X, at.Y) == color.Black {
				picture.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("drawing a QR code: %w", err)
	}
	return b.Bytes(), nil
}
