// SPDX-License-Identifier: Apache-2.0
import type { Detail } from '../core/api';

/** The pages of an experiment, in the order of the navigation. */
export const tabs: { page: string; label: string; shown?: (d: Detail) => boolean }[] = [
  { page: '', label: 'Overview' },
  { page: 'explore', label: 'Explore' },
  { page: 'curves', label: 'Curves' },
  { page: 'trials', label: 'Trials' },
  { page: 'schedule', label: 'Schedule' },
  { page: 'pareto', label: 'Pareto', shown: (d) => d.objectives.length > 1 },
  { page: 'model', label: 'Model' },
  { page: 'config', label: 'Config' },
  { page: 'workers', label: 'Workers' },
  { page: 'events', label: 'Events' },
];
