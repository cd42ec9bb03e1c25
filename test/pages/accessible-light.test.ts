import { walkAccessibly } from './accessible.js';

walkAccessibly('light');
