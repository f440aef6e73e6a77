// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// For targets that only have precompiled headers.
