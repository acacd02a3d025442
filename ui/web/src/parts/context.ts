// SPDX-License-Identifier: Apache-2.0
import { getContext } from 'svelte';
import type { Detail } from '../core/api';
import type { Live } from '../core/live.svelte';

/** The experiment whose page this is. Pages are shown once it has been read. */
export function experiment(): Live & { detail: Detail } {
  return getContext('live');
}
