#pragma once
// FreeType names its headers by macros.
#include <ft2build.h>
#include FT_FREETYPE_H
