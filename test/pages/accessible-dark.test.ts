import { walkAccessibly } from './accessible.js';

walkAccessibly('dark');
